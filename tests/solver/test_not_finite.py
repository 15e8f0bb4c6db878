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


# The root of zero is zero, and its slope there infinite: the loss is finite, its gradient is not.
ROOT = NET.replace('bottom: "ip2" bottom: "y" top: "loss"', 'bottom: "root" bottom: "y" top: "loss"').replace(
    'layer { name: "loss"',
    'layer { name: "root" type: "Power" bottom: "ip2" top: "root" power_param { power: 0.5 } }\n'
    'layer { name: "loss"',
)


@pytest.mark.parametrize("iter_size", [1, 2])
def test_a_gradient_that_is_not_finite_is_found_before_the_update(make, feed, iter_size):
    solver = make(f"display: 2\nmax_iter: 10\niter_size: {iter_size}", net=ROOT)
    with torch.no_grad():
        for blob in solver.net.params["ip2"]:
            blob.zero_()
    before = [blob.detach().clone() for blob in solver.net.parameters()]
    with pytest.raises(NotFiniteError) as caught:
        solver.step(1, feed=feed)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message == (
        "the gradient of iteration 0 is not finite: on the way back from the loss, layer 'root' (Power) is "
        "the first whose gradient for bottom 'ip2' is not"
    )
    assert diagnostic.span.line == 8
    assert "a slope without bound" in diagnostic.help
    assert all(map(torch.equal, before, solver.net.parameters()))


def test_without_a_display_nobody_looks_at_gradients(make, feed):
    solver = make(net=ROOT)
    with torch.no_grad():
        for blob in solver.net.params["ip2"]:
            blob.zero_()
    with pytest.raises(NotFiniteError, match="the loss of iteration 1 is not finite"):
        solver.step(2, feed=feed)


def test_a_gradient_that_only_another_sub_iteration_broke(make, feed, monkeypatch):
    solver = make("display: 1\niter_size: 2", net=NET)
    backward, passes = torch.Tensor.backward, []

    def broken(self, *args):
        backward(self, *args)
        if not passes:
            solver.net.params["ip1"][1].grad[0] = torch.inf
        passes.append(self)

    monkeypatch.setattr(torch.Tensor, "backward", broken)
    with pytest.raises(NotFiniteError, match=r"layer 'ip1' \(InnerProduct\) is the first .* its blob 'bias'"):
        solver.step(1, feed=feed)
