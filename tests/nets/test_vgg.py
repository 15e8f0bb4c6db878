"""VGG-16: thirteen convolutions of 3x3, and most of the numbers in the first of three large layers."""

import torch


def vgg16(text, side):
    x = text.vgg(text.inputs(data=(1, 3, side, side), label=(1,)))
    for name in ("fc6", "fc7"):
        x = text.dropout(text.fc(name, x, 4096, relu=True))
    text.layer("SoftmaxWithLoss", "loss", [text.fc("fc8", x, 1000), "label"])
    return text


def test_vgg16(write, shapes_of, train):
    blobs, count = shapes_of(vgg16(write(), 224))
    assert blobs["conv3_3"] == (1, 256, 56, 56)
    assert blobs["pool5"] == (1, 512, 7, 7)
    assert count == 138_357_544
    train(vgg16(write(), 64), label=torch.tensor([7]))
