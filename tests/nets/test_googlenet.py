"""GoogLeNet: inception modules, and two classifiers on the way with losses of their own."""

import pytest
import torch

# Widths of the branches: 1x1; 1x1 and 3x3; 1x1 and 5x5; 1x1 after the pooling.
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def inception(text, name, x):
    one, before3, three, before5, five, pooled = INCEPTIONS[name]
    branches = [
        text.conv(f"{name}/1x1", x, one, 1),
        text.conv(f"{name}/3x3", text.conv(f"{name}/3x3_reduce", x, before3, 1), three, 3, pad=1),
        text.conv(f"{name}/5x5", text.conv(f"{name}/5x5_reduce", x, before5, 1), five, 5, pad=2),
        text.conv(f"{name}/pool_proj", text.pool(f"{name}/pool", x, 3, 1, pad=1), pooled, 1),
    ]
    return text.layer("Concat", f"{name}/output", branches)


def side_loss(text, name, x):
    x = text.conv(f"{name}/conv", text.pool(f"{name}/ave_pool", x, 5, 3, method="AVE"), 128, 1)
    x = text.dropout(text.fc(f"{name}/fc", x, 1024, relu=True), 0.7)
    classes = text.fc(f"{name}/classifier", x, 1000)
    text.layer("SoftmaxWithLoss", f"{name}/loss", [classes, "label"], more="loss_weight: 0.3")


def googlenet(text):
    x = text.inputs(data=(1, 3, 224, 224), label=(1,))
    x = text.lrn("norm1", text.pool("pool1", text.conv("conv1", x, 64, 7, 2, 3), 3, 2))
    x = text.conv("conv2", text.conv("conv2_reduce", x, 64, 1), 192, 3, pad=1)
    x = text.pool("pool2", text.lrn("norm2", x), 3, 2)
    for name in INCEPTIONS:
        x = inception(text, name, x)
        if name in ("4a", "4d"):
            side_loss(text, "loss1" if name == "4a" else "loss2", x)
        if name in ("3b", "4e"):
            x = text.pool(f"pool{name[0]}", x, 3, 2)
    x = text.dropout(text.pool("pool5", x, 7, 1, method="AVE"), 0.4)
    text.layer("SoftmaxWithLoss", "loss3", [text.fc("classifier", x, 1000), "label"])
    return text


def test_googlenet(write, shapes_of, train):
    text = googlenet(write())
    blobs, count = shapes_of(text)
    assert blobs["pool2"] == (1, 192, 28, 28)
    assert blobs["3b/output"] == (1, 480, 28, 28)
    assert blobs["4e/output"] == (1, 832, 14, 14)
    assert blobs["loss1/conv"] == (1, 128, 4, 4)
    assert blobs["pool5"] == (1, 1024, 1, 1)
    assert count == 13_378_280  # 6,998,552 of them outside the classifiers on the way
    net, out = train(text, label=torch.tensor([7]))
    assert net.loss_weights == pytest.approx({"loss1/loss": 0.3, "loss2/loss": 0.3, "loss3": 1})
    assert net.loss(out).item() > out["loss3"].item()
