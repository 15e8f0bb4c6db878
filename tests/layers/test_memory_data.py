import numpy as np
import pytest
import torch

from netspec.errors import DataError

FIELDS = 'type: "MemoryData" memory_data_param { batch_size: 2 channels: 1 height: 3 width: 3 }'
NET = f'layer {{ name: "m" top: "x" top: "t" {FIELDS} }}'


@pytest.fixture
def numbers():
    labels = np.arange(6, dtype=np.float32)
    return np.broadcast_to(labels[:, None, None, None], (6, 1, 3, 3)), labels


def test_rows_that_were_handed_over(build, numbers):
    layer = build(FIELDS, tops=2)
    assert layer.shapes == [(2, 1, 3, 3), (2,)]
    layer.reset(*numbers)
    data, labels = layer.stream(0).batch(0)
    assert data[:, 0, 0, 0].tolist() == labels.tolist() == [0, 1]
    assert layer.stream(5).batch(1)[1].tolist() == [2, 3]  # whatever the seed
    assert layer.ahead == 1


def test_in_a_net(compile_text, numbers):
    net = compile_text(NET)
    net.m.reset(*numbers)
    assert [net()["t"].tolist() for _ in range(4)] == [[0, 1], [2, 3], [4, 5], [0, 1]]
    net.close()


def test_handed_over_while_the_net_runs(compile_text, report, numbers):
    net = compile_text(NET)
    assert "has no data yet" in report(net)
    for _ in range(2):
        net.m.reset(*numbers)
        assert [net()["t"].tolist() for _ in range(2)] == [[0, 1], [2, 3]]
    net.reseed(3)
    assert net()["t"].numel() == 2
    net.close()


def test_fed(compile_text):
    net = compile_text(NET)
    net(x=torch.ones(2, 1, 3, 3), t=torch.ones(2))


def test_without_data(report, compile_text):
    net = compile_text(NET)
    found = report(net)
    assert "DataError\nnet.prototxt:1:56: error: layer 'm' (MemoryData): has no data yet" in found
    assert "help: call reset(data, labels) of the layer, or feed its tops" in found
    net.close()


def test_refused(rejects, build):
    for side in ("batch_size: 2", "channels: 1", "height: 3", "width: 3"):
        name = side.partition(":")[0]
        rejects(f"{name} is missing, or 0", "memory_data_param", FIELDS.replace(side, ""), tops=2)
        rejects(f"{name} is missing, or 0", "0", FIELDS.replace(side, f"{name}: 0"), tops=2)
    rejects("takes 2 tops, not 1", "layer", FIELDS, tops=1)
    with pytest.raises(DataError, match="M a multiple of batch_size 2, found 3x1x3x3"):
        build(FIELDS, tops=2).reset(np.zeros((3, 1, 3, 3)), np.zeros(3))
