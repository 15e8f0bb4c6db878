"""U-Net: crops and concatenations join the way down with the way up."""

import torch


def unet(text, side, width=64, classes=2):
    x, down = text.inputs(data=(1, 1, side, side), label=(1, 1, side - 184, side - 184)), []
    for depth in range(5):
        for step in "ab":
            x = text.conv(f"down{depth}{step}", x, width << depth, 3)
        down.append(x)
        if depth < 4:
            x = text.pool(f"pool{depth}", x, 2, 2)
    for depth in reversed(range(4)):
        param = f"num_output: {width << depth} kernel_size: 2 stride: 2 {text.FILLER}"
        up = text.layer("Deconvolution", f"up{depth}", x, more=f"convolution_param {{ {param} }}")
        crop = text.layer(
            "Crop", f"crop{depth}", [down[depth], up], more=f"crop_param {{ offset: {OFFSETS[depth]} }}"
        )
        x = text.layer("Concat", f"both{depth}", [crop, up])
        for step in "cd":
            x = text.conv(f"up{depth}{step}", x, width << depth, 3)
    scores = text.conv("scores", x, classes, 1, relu=False)
    text.layer("SoftmaxWithLoss", "loss", [scores, "label"])
    return text


# By how much each crop moves: half of what the ways down and up to there lose.
OFFSETS = (88, 40, 16, 4)


def test_unet(write, shapes_of, train):
    blobs, count = shapes_of(unet(write(), 572))
    assert blobs["down4b"] == (1, 1024, 28, 28)
    assert [blobs[f"crop{depth}"][2] for depth in range(4)] == [392, 200, 104, 56]
    assert blobs["both0"] == (1, 128, 392, 392)
    assert blobs["scores"] == (1, 2, 388, 388)
    assert count == 31_030_658
    labels = (torch.arange(16) % 2).reshape(1, 1, 4, 4)
    _, out = train(unet(write(), 188, width=32), label=labels)
    assert out["loss"].item() > 0
