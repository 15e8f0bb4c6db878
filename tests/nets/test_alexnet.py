"""AlexNet: groups of channels, local response normalisation, dropout."""

import torch


def alexnet(text, batch=1):
    x = text.inputs(data=(batch, 3, 227, 227), label=(batch,))
    for i, (width, kernel, stride, pad, group) in enumerate([(96, 11, 4, 0, 1), (256, 5, 1, 2, 2)], 1):
        x = text.conv(f"conv{i}", x, width, kernel, stride, pad, more=f"group: {group}")
        x = text.pool(f"pool{i}", text.lrn(f"norm{i}", x), 3, 2)
    for i, (width, group) in enumerate([(384, 1), (384, 2), (256, 2)], 3):
        x = text.conv(f"conv{i}", x, width, 3, pad=1, more=f"group: {group} bias_filler {{ value: 0.1 }}")
    x = text.pool("pool5", x, 3, 2)
    for name in ("fc6", "fc7"):
        x = text.dropout(text.fc(name, x, 4096, relu=True))
    text.layer("SoftmaxWithLoss", "loss", [text.fc("fc8", x, 1000), "label"])
    return text


def test_alexnet(write, shapes_of, train):
    text = alexnet(write())
    blobs, count = shapes_of(text)
    assert blobs["conv1"] == (1, 96, 55, 55)
    assert blobs["norm2"] == (1, 256, 27, 27)
    assert blobs["pool5"] == (1, 256, 6, 6)
    assert count == 60_965_224
    net, out = train(text, label=torch.tensor([7]))
    assert net.params["conv2"][0].shape == (256, 48, 5, 5)
    assert out["loss"].item() > 0
