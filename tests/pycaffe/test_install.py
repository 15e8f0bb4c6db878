"""`install`, the public names, and what belongs to the process."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import netspec.pycaffe as caffe
from netspec.pycaffe import modes

SUBMODULES = [
    "_caffe", "classifier", "coord_map", "detector", "draw", "io", "net_spec", "proto", "proto.caffe_pb2",
    "pycaffe",
]  # fmt: skip
PUBLIC = [
    "AdaDeltaSolver", "AdaGradSolver", "AdamSolver", "Classifier", "Detector", "Layer", "NCCL", "Net",
    "NetSpec", "NesterovSolver", "RMSPropSolver", "SGDSolver", "TEST", "TRAIN", "Timer", "__version__",
    "get_solver", "has_nccl", "init_log", "io", "layer_type_list", "layers", "log", "params",
    "set_device", "set_mode_cpu", "set_mode_gpu", "set_multiprocess", "set_random_seed",
    "set_solver_count", "set_solver_rank", "solver_count", "solver_rank", "to_proto",
]  # fmt: skip


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name(name):
    assert getattr(caffe, name) is getattr(caffe, name)
    assert name in dir(caffe)


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="no attribute 'Nets'"):
        _ = caffe.Nets


def test_type_checkers_see_the_same_names_as_the_interpreter():
    source = Path(caffe.__file__).read_text(encoding="utf-8")
    checked = re.findall(r"^    from (\S+) import (\w+) as \2$", source, re.MULTILINE)
    assert {name: home for home, name in checked} == caffe._HOME


def test_the_import_is_light():
    code = "import sys, netspec.pycaffe; print([m for m in ('torch', 'numpy', 'cv2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_phases_and_version():
    assert (caffe.TRAIN, caffe.TEST) == (0, 1)
    assert re.fullmatch(r"1\.0\.\d+", caffe.__version__)


# Installing -----------------------------------------------------------------------------------------------


def test_import_caffe_is_this_package():
    assert caffe.install() is caffe
    assert importlib.import_module("caffe") is caffe


@pytest.mark.parametrize("name", SUBMODULES)
def test_submodules_are_the_same_objects(name):
    caffe.install()
    own = importlib.import_module(f"netspec.pycaffe.{name}")
    spec = own.__spec__
    assert importlib.import_module(f"caffe.{name}") is own
    assert own.__spec__ is spec
    assert own.__name__ == f"netspec.pycaffe.{name}"


def test_the_ways_scripts_import():
    caffe.install()
    names = {}
    exec(
        "import caffe.io, caffe.draw, caffe.proto.caffe_pb2\n"
        "from caffe import layers as L, params as P, to_proto, NetSpec\n"
        "from caffe.proto import caffe_pb2\n"
        "from caffe.coord_map import crop\n"
        "from caffe._caffe import Net as Direct\n"
        "from caffe.pycaffe import Net\n",
        names,
    )
    assert names["caffe"].io is caffe.io
    assert names["Direct"] is names["Net"] is caffe.Net
    assert names["caffe_pb2"] is names["caffe"].proto.caffe_pb2
    assert names["L"] is caffe.layers


def test_there_are_no_other_submodules():
    caffe.install()
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("caffe.nothing")


def test_installing_twice_changes_nothing():
    caffe.install()
    finders = list(sys.meta_path)
    caffe.install()
    assert sys.meta_path == finders


def test_another_caffe_gives_way_only_to_install(folder, monkeypatch):
    (folder / "caffe").mkdir()
    (folder / "caffe" / "__init__.py").write_text("")
    (folder / "caffe" / "io.py").write_text("")
    monkeypatch.syspath_prepend(folder)
    other = importlib.import_module("caffe.io")
    assert other is not caffe.io
    caffe.install()
    assert importlib.import_module("caffe.io") is caffe.io


# The process ----------------------------------------------------------------------------------------------


def test_modes(monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    caffe.set_device(3)
    caffe.set_mode_gpu()
    assert modes.device() == torch.device("cpu")
    assert "no CUDA device: computing on the CPU" in caplog.text
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    caffe.set_device(1)
    caffe.set_mode_gpu()
    assert modes.device() == torch.device("cuda", 1)
    caffe.set_device(0)
    assert modes.device() == torch.device("cuda", 0)
    for index in (2, -1):
        with pytest.raises(RuntimeError, match="PyTorch finds 2"):
            caffe.set_device(index)
    caffe.set_mode_cpu()
    assert modes.device() == torch.device("cpu")


def test_the_place_among_solvers():
    assert (caffe.solver_count(), caffe.solver_rank()) == (1, 0)
    caffe.set_solver_count(4)
    caffe.set_solver_rank(2)
    caffe.set_multiprocess(True)
    assert (caffe.solver_count(), caffe.solver_rank()) == (4, 2)


def test_layer_types():
    types = list(caffe.layer_type_list())
    assert types == sorted(types)
    assert {"Convolution", "SpatialTransformer", "Python"} <= set(types)


def test_the_timer():
    timer = caffe.Timer()
    timer.start()
    time.sleep(0.02)
    timer.stop()
    first = timer.ms
    assert 15 < first < 2000
    assert timer.ms == first


def test_the_log(capfd, monkeypatch):
    from netspec.pycaffe import process

    monkeypatch.setattr(process._log, "level", 0)
    caffe.log("said")
    line = capfd.readouterr().err
    assert re.fullmatch(r"I\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ \S+\] said\n", line)
    caffe.init_log(1)
    caffe.log("silent")
    process.warn("heard")
    assert re.fullmatch(r"W\d{4} .*\] heard\n", capfd.readouterr().err)
    caffe.init_log(0, False)
    process.warn("silent")
    caffe.log("silent")
    assert capfd.readouterr().err == ""
    caffe.init_log()
    caffe.log("again")
    assert capfd.readouterr().err.endswith("again\n")
    caffe.set_solver_rank(1)
    caffe.log("another's")
    assert capfd.readouterr().err == ""


def test_nccl_needs_distributed_training():
    assert not caffe.has_nccl()
    assert isinstance(caffe.NCCL.new_uid(), bytes)
    with pytest.raises(RuntimeError, match="init_process_group"):
        caffe.NCCL(None, caffe.NCCL.new_uid())


def test_nccl_over_one_process(folder, nets):
    (folder / "net.prototxt").write_text(nets.drawn)
    (folder / "solver.prototxt").write_text(nets.solver)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=0, world_size=1)
    try:
        assert caffe.has_nccl()
        solver, alone = caffe.SGDSolver("solver.prototxt"), caffe.SGDSolver("solver.prototxt")
        nccl = caffe.NCCL(solver, caffe.NCCL.new_uid())
        nccl.bcast()
        solver.add_callback(nccl)
        solver.net.after_backward(nccl)
        solver.step(2)
    finally:
        torch.distributed.destroy_process_group()
    alone.step(2)
    assert (solver.net.params["ip"][0].data == alone.net.params["ip"][0].data).all()
