import copy

import h5py
import numpy as np
import pytest
import torch

from netspec.errors import DataError, ShapeError

FIELDS = 'type: "HDF5Output" hdf5_output_param { file_name: "out.h5" }'
NET = """
layer { name: "in" type: "Input" top: "x" top: "t" input_param { shape { dim: 3 dim: 2 } shape { dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "y" top: "loss" }
layer { name: "out" bottom: "y" bottom: "t" %s }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _written():
    with h5py.File("out.h5", "r") as file:
        return {name: file[name][:] for name in file}


def test_two_datasets_of_four_axes(build, rng):
    layer = build(FIELDS, (3, 5), (3,), tops=0)
    data, labels = rng.random((3, 5), np.float32), np.arange(3, dtype=np.float32)
    assert layer(torch.from_numpy(data), torch.from_numpy(labels)) == ()
    written = _written()
    assert {name: (values.shape, values.dtype) for name, values in written.items()} == {
        "data": ((3, 5, 1, 1), np.float32),
        "label": ((3, 1, 1, 1), np.float32),
    }
    np.testing.assert_array_equal(written["data"].reshape(3, 5), data)
    np.testing.assert_array_equal(written["label"].flatten(), labels)


def test_more_axes_stay(build):
    build(FIELDS, (2, 1, 2, 3, 4), (2, 7), tops=0)(torch.ones(2, 1, 2, 3, 4), torch.ones(2, 7))
    assert [values.shape for values in _written().values()] == [(2, 1, 2, 3, 4), (2, 7, 1, 1)]


def test_batches_follow_each_other_and_a_new_run_begins_anew(build):
    for _ in range(2):
        layer = build(FIELDS, (2, 3), (2,), tops=0)
        for rows in (2, 2, 1):
            layer(torch.full((rows, 3), 7.0), torch.arange(rows))
        assert _written()["label"].flatten().tolist() == [0, 1, 0, 1, 0]
        assert (_written()["data"] == 7).all()


@pytest.mark.parametrize(
    ("given", "written"), [(torch.float64, "f8"), (torch.bfloat16, "f4"), (torch.int64, "f4")]
)
def test_types(build, given, written):
    layer = build(FIELDS, (2, 3), (2,), tops=0)
    layer(torch.full((2, 3), 2, dtype=given), torch.zeros(2, dtype=given))
    assert _written()["data"].dtype == written
    assert (_written()["data"] == 2).all()


def test_building_a_net_writes_nothing(compile_text, folder):
    net = compile_text(NET % FIELDS)
    assert list(folder.iterdir()) == []
    assert "out.rows" not in net.state_dict()
    assert net.outputs == ["loss"]


def _plain(module):
    return module


def _without_dead_code(module):
    module = copy.deepcopy(module)
    module.graph.eliminate_dead_code()
    module.recompile()
    return module


def _compiled(module):
    return torch.compile(module, backend="aot_eager", fullgraph=True)


@pytest.mark.parametrize("engine", [_plain, _without_dead_code, _compiled])
@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_written_whoever_runs_the_net(compile_text, engine, phase):
    net = compile_text(NET % FIELDS, seed=1, phase=phase)
    run, x, t = engine(net.graph_module), torch.randn(6, 2), torch.arange(6.0)
    for rows in (slice(0, 3), slice(3, 6)):
        loss = run(x[rows], t[rows])["loss"]
    loss.backward()
    written = _written()
    assert written["label"].flatten().tolist() == t.tolist()
    np.testing.assert_array_equal(written["data"].reshape(6, 4), net.ip(x).detach())


def test_a_file_that_cannot_be_written(build, rng):
    layer = build(FIELDS.replace("out.h5", "no/out.h5"), (2, 3), (2,), tops=0)
    with pytest.raises(DataError, match=r"no/out\.h5: error: cannot write HDF5"):
        layer(torch.ones(2, 3), torch.ones(2))


def test_refused(rejects):
    rejects("file_name is missing", "layer", 'type: "HDF5Output"', (2, 3), (2,), tops=0)
    rejects("must have the same batch", "layer", FIELDS, (2, 3), (3,), tops=0, error=ShapeError)
    rejects("must have the same batch", "layer", FIELDS, (), (3,), tops=0, error=ShapeError)
    rejects("takes 2 bottoms, not 1", "layer", FIELDS, (2, 3), tops=0)
