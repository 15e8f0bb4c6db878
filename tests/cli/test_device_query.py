"""`netspec device_query`, on a machine without GPU and on one that is made up."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from netspec.cli import device_query, main

# What a driver tells of two devices, by the numbers of its attributes.
ATTRIBUTES = {1: 1024, 2: 1024, 3: 1024, 4: 64, 5: 2**31 - 1, 6: 65535, 7: 65535, 8: 49152, 9: 65536, 10: 32}
ATTRIBUTES |= {11: 2**31 - 1, 12: 65536, 13: 1980000, 14: 512, 15: 1, 17: 0}


@pytest.fixture
def gpus(monkeypatch):
    def properties(index):
        return SimpleNamespace(
            major=9, minor=0, name=f"GPU {index}", total_memory=2**37, multi_processor_count=132
        )

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)
    monkeypatch.setattr(device_query, "_driver", lambda index: ATTRIBUTES.get)


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)


def test_all_that_caffe_tells(gpus, capsys):
    assert main(["device_query", "-gpu", "1"]) == 0
    first, cpu, _ = capsys.readouterr().out.split("\n\n")
    assert first.splitlines() == [
        "Device id:                     1",
        "Major revision number:         9",
        "Minor revision number:         0",
        "Name:                          GPU 1",
        "Total global memory:           137438953472",
        "Total shared memory per block: 49152",
        "Total registers per block:     65536",
        "Warp size:                     32",
        "Maximum memory pitch:          2147483647",
        "Maximum threads per block:     1024",
        "Maximum dimension of block:    1024, 1024, 64",
        "Maximum dimension of grid:     2147483647, 65535, 65535",
        "Clock rate:                    1980000",
        "Total constant memory:         65536",
        "Texture alignment:             512",
        "Concurrent copy and execution: Yes",
        "Number of multiprocessors:     132",
        "Kernel execution timeout:      No",
    ]
    assert f"PyTorch:                       {torch.__version__}" in cpu.splitlines()
    assert f"Threads of PyTorch:            {torch.get_num_threads()}" in cpu.splitlines()


@pytest.mark.parametrize(("flags", "ids"), [([], "01"), (["-gpu=all"], "01"), (["-gpu", "1,0"], "10")])
def test_several(gpus, capsys, flags, ids):
    assert main(["device_query", *flags]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[-1] for line in lines if line.startswith("Device id:")] == list(ids)


def test_without_a_driver_that_tells_more(gpus, capsys, monkeypatch):
    monkeypatch.setattr(device_query, "_driver", lambda index: lambda attribute: None)
    assert main(["device_query", "-gpu=0"]) == 0
    gpu = capsys.readouterr().out.partition("\n\n")[0].splitlines()
    assert [line.partition(":")[0] for line in gpu] == [
        "Device id",
        "Major revision number",
        "Minor revision number",
        "Name",
        "Total global memory",
        "Number of multiprocessors",
    ]


def test_without_a_gpu(no_gpu, capsys):
    assert main(["device_query"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("PyTorch finds no CUDA device")
    assert "Number of cores:" in out


def test_a_gpu_that_is_not_there(gpus, capsys):
    assert main(["device_query", "-gpu", "1,2"]) == 1
    captured = capsys.readouterr()
    assert "Name:                          GPU 1\n" in captured.out
    assert captured.err == "error: there is no GPU 2: this machine has 2, counted from 0\n"


def test_no_gpu_at_all(no_gpu, capsys):
    assert main(["device_query", "-gpu=0"]) == 1
    assert capsys.readouterr().err == "error: there is no GPU 0: this machine has none\n"


@pytest.mark.parametrize("value", ["x", "-1", "0,y", ","])
def test_what_is_no_gpu(capsys, value):
    assert main(["device_query", f"-gpu={value}"]) == 2
    assert "numbers with commas" in capsys.readouterr().err


def test_the_driver(capsys):
    """Where there is one, it agrees with PyTorch."""
    ask = device_query._driver(0)
    if not torch.cuda.is_available():
        assert ask(10) is None
        pytest.skip("this machine has no CUDA device")
    known = torch.cuda.get_device_properties(0)
    assert ask(16) == known.multi_processor_count
    assert ask(10) == known.warp_size


def test_the_machine_in_a_report():
    known = dict(device_query.machine(torch.device("cpu")))
    assert known["PyTorch"] == torch.__version__
    assert {"Host", "System", "Number of cores"} <= known.keys()
    assert None not in known.values()
