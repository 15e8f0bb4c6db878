"""ResNet-50 and -152: BatchNorm and Scale behind each convolution, sums around each block."""

import pytest
import torch

BLOCKS = {50: (3, 4, 6, 3), 152: (3, 8, 36, 3)}


def normalised(text, name, x, width, kernel, stride=1, pad=0, relu=True):
    text.conv(name, x, width, kernel, stride, pad, more="bias_term: false", relu=False)
    text.layer("BatchNorm", f"bn_{name}", name, tops=name)
    text.layer("Scale", f"scale_{name}", name, tops=name, more="scale_param { bias_term: true }")
    return text.relu(name) if relu else name


def bottleneck(text, name, x, width, stride, project):
    short = normalised(text, f"{name}_short", x, 4 * width, 1, stride, relu=False) if project else x
    long = normalised(text, f"{name}_a", x, width, 1, stride)
    long = normalised(text, f"{name}_b", long, width, 3, pad=1)
    long = normalised(text, f"{name}_c", long, 4 * width, 1, relu=False)
    return text.relu(text.layer("Eltwise", name, [short, long]))


def resnet(text, depth, side, batch=1):
    x = text.inputs(data=(batch, 3, side, side), label=(batch,))
    x = text.pool("pool1", normalised(text, "conv1", x, 64, 7, 2, 3), 3, 2)
    for stage, count in enumerate(BLOCKS[depth]):
        for index in range(count):
            stride = 2 if stage and not index else 1
            x = bottleneck(text, f"res{stage + 2}_{index}", x, 64 * 2**stage, stride, project=not index)
    pooling = "pooling_param { pool: AVE global_pooling: true }"
    x = text.fc("classes", text.layer("Pooling", "pool5", x, more=pooling), 1000)
    text.layer("SoftmaxWithLoss", "loss", [x, "label"])
    return text


@pytest.mark.parametrize(("depth", "known"), [(50, 25_557_032), (152, 60_192_808)])
def test_shapes(write, shapes_of, depth, known):
    blobs, count = shapes_of(resnet(write(), depth, 224))
    assert blobs["pool1"] == (1, 64, 56, 56)
    assert blobs["res3_0"] == (1, 512, 28, 28)
    assert blobs["res5_2"] == (1, 2048, 7, 7)
    assert blobs["pool5"] == (1, 2048, 1, 1)
    assert count == known


def test_resnet50(write, train):
    net, _ = train(resnet(write(), 50, 64, batch=2), label=torch.tensor([7, 8]))
    mean, variance, factor = net.params["bn_res5_2_c"]
    assert factor.item() == 1
    assert mean.any()
    assert (variance > 0).all()
    assert not any(param.lr_mult for param in net.learnable_params if param.name.startswith("bn_"))


def test_resnet152(write, compile_text):
    net = compile_text(str(resnet(write(), 152, 64, batch=2)), phase="TRAIN", seed=1)
    with torch.no_grad():
        out = net(data=torch.randn(2, 3, 64, 64), label=torch.tensor([7, 8]))
    assert torch.isfinite(out["loss"])
