from pathlib import Path

import pytest
import torch

from netspec.errors import NotFiniteError

NET = """layer { name: "in" type: "Input" top: "x" top: "y"
  input_param { shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "x" top: "ip1"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip2" bottom: "y" top: "loss" }
"""


@pytest.fixture
def feed():
    generator = torch.Generator().manual_seed(0)
    return {"x": torch.randn(4, 3, generator=generator), "y": torch.randn(4, 2, generator=generator)}


def test_the_first_layer_to_blame_is_named_with_its_place(make, feed):
    solver = make(net=NET)
    solver.step(2, feed=feed)
    with torch.no_grad():
        solver.net.params["ip2"][1][0] = torch.inf
    with pytest.raises(NotFiniteError) as caught:
        solver.step(1, feed=feed)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message.startswith(
        "the loss of iteration 2 is not finite: top 'ip2' of layer 'ip2' (InnerProduct) is the first"
    )
    assert diagnostic.span.line == 6
    assert [note.message for note in diagnostic.notes] == ["the layer's own blob 'bias' is not finite"]
    assert "lower base_lr" in diagnostic.help
    assert "there is no snapshot to go back to" in diagnostic.help


def test_a_run_that_diverges_points_to_its_last_snapshot(make, feed):
    solver = make("base_lr: 1e6\nsnapshot: 1\nmax_iter: 100", net=NET)
    with pytest.raises(NotFiniteError) as caught:
        solver.step(100, feed=feed)
    assert f"the last good snapshot is snap_iter_{solver.iteration}.solverstate" in str(caught.value)
    written = {int(path.stem.rpartition("_")[2]) for path in Path().glob("snap_iter_*.solverstate")}
    assert written == set(range(1, solver.iteration + 1))
    solver.restore(solver.last_snapshot)
    assert all(blob.isfinite().all() for blob in solver.net.parameters())


def test_broken_data_is_blamed_on_the_data(make, feed):
    feed["x"][1, 2] = torch.nan
    with pytest.raises(NotFiniteError, match=r"top 'x' of layer 'in' \(Input\) is the first") as caught:
        make(net=NET).step(1, feed=feed)
    assert "look into the data" in str(caught.value)


def test_a_broken_blob_is_not_saved(make, feed):
    solver = make(net=NET)
    solver.step(1, feed=feed)
    with torch.no_grad():
        solver.net.params["ip1"][0][0, 0] = torch.nan
    with pytest.raises(NotFiniteError, match=r"'weight' of layer 'ip1'.* is not finite after 1 iterations"):
        solver.snapshot()
    assert not list(Path().glob("snap*"))
