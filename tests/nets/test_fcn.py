"""FCN-8s: VGG-16 as convolutions, its scores at three strides enlarged, cropped and added up."""

import torch

CLASSES = 21


def enlarged(text, name, x, stride):
    """By bilinear interpolation, each class for itself; nothing is learned."""
    param = (
        f"num_output: {CLASSES} group: {CLASSES} kernel_size: {2 * stride} stride: {stride} bias_term: false"
    )
    filler = 'weight_filler { type: "bilinear" }'
    more = f"convolution_param {{ {param} {filler} }} param {{ lr_mult: 0 }}"
    return text.layer("Deconvolution", name, x, more=more)


def cropped(text, name, x, like, offset):
    return text.layer("Crop", name, [x, like], more=f"crop_param {{ axis: 2 offset: {offset} }}")


def fcn8s(text, side, widths=(64, 128, 256, 512, 512), full=4096):
    image = text.inputs(data=(1, 3, side, side), label=(1, 1, side, side))
    x = text.vgg(image, widths, pads=(100, 1))
    x = text.dropout(text.conv("fc6", x, full, 7))
    x = text.dropout(text.conv("fc7", x, full, 1))
    x = enlarged(text, "upscore2", text.conv("score_fr", x, CLASSES, 1, relu=False), 2)
    for pool, offset, name, stride in (("pool4", 5, "upscore_pool4", 2), ("pool3", 9, "upscore8", 8)):
        score = text.conv(f"score_{pool}", pool, CLASSES, 1, relu=False)
        score = cropped(text, f"score_{pool}c", score, x, offset)
        x = enlarged(text, name, text.layer("Eltwise", f"fuse_{pool}", [x, score]), stride)
    x = cropped(text, "score", x, image, 31)
    loss = "loss_param { ignore_label: 255 normalize: false }"
    text.layer("SoftmaxWithLoss", "loss", [x, "label"], more=loss)
    return text


def test_fcn8s(write, shapes_of, train):
    blobs, count = shapes_of(fcn8s(write(), 500))
    sides = {name: blobs[name][2] for name in ("conv1_1", "pool5", "score_fr", "upscore2", "score_pool4")}
    assert sides == {"conv1_1": 698, "pool5": 22, "score_fr": 16, "upscore2": 34, "score_pool4": 44}
    assert blobs["score_pool4c"] == blobs["upscore2"]
    assert blobs["upscore_pool4"] == blobs["score_pool3c"] == (1, CLASSES, 70, 70)
    assert blobs["upscore8"] == (1, CLASSES, 568, 568)
    assert blobs["score"] == (1, CLASSES, 500, 500)
    vgg, fc6, fc7 = 14_714_688, 512 * 49 * 4096 + 4096, 4096 * 4096 + 4096
    scores = CLASSES * (4096 + 512 + 256 + 3)
    assert count == vgg + fc6 + fc7 + scores
    label = torch.arange(64.0).reshape(1, 1, 1, 64).expand(1, 1, 64, 64) // 4
    label = label.clone()
    label[:, :, :8] = 255
    net, out = train(fcn8s(write(), 64, widths=(16, 32, 64, 128, 128), full=256), label=label)
    assert net.blobs["score"] == (1, CLASSES, 64, 64)
    weight = net.params["upscore2"][0]
    assert weight[0, 0].sum().item() == 4  # each pixel spreads over stride x stride pixels
    assert not weight.requires_grad
    assert out["loss"].item() > 0
