"""Every engine and every precision trains as float32, layer by layer, does."""

from functools import partial

import pytest
import torch

from netspec.compiler import compute
from netspec.compiler.engines.compiled import Compiled
from netspec.solver.events import Notice, Started

NET = """name: "small"
layer { name: "data" type: "ClutteredDigits" top: "data" top: "label"
  cluttered_digits_param { batch_size: 16 height: 16 width: 16 digit_size: 12 clutter: 0 } }
layer { name: "scale" type: "Power" bottom: "data" top: "data" power_param { scale: 0.00390625 } }
layer { name: "loc" type: "InnerProduct" bottom: "data" top: "theta" param { lr_mult: 0.01 }
  inner_product_param { num_output: 2 } }
layer { name: "st" type: "SpatialTransformer" bottom: "data" bottom: "theta" top: "seen"
  st_param { output_H: 12 output_W: 12 theta_1_1: 0.8 theta_1_2: 0 theta_2_1: 0 theta_2_2: 0.8 } }
layer { name: "conv" type: "Convolution" bottom: "seen" top: "conv"
  convolution_param { num_output: 8 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "norm" }
layer { name: "relu" type: "ReLU" bottom: "norm" top: "norm" }
layer { name: "pool" type: "Pooling" bottom: "norm" top: "pool"
  pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "drop" type: "Dropout" bottom: "pool" top: "pool" dropout_param { dropout_ratio: 0.2 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
SMALL = """layer { name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param { shape { dim: 4 dim: 8 } shape { dim: 4 }
    data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "ip" top: "ip" dropout_param { dropout_ratio: 0.3 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""
FIELDS = 'base_lr: 0.01\nlr_policy: "step"\ngamma: 0.5\nstepsize: 120\ndisplay: 50'
ITERATIONS = 200

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.fixture
def losses(make):
    """The losses of a training, in its own way; and the solver."""

    def run(fields=FIELDS, iterations=ITERATIONS, net=NET, **options):
        solver = make(fields, net, **options)
        return torch.tensor([solver.step(1) for _ in range(iterations)]), solver

    return run


@pytest.fixture
def eager(losses):
    return lambda **options: losses(engine="eager", **options)[0]


def near(found, expected, tolerance):
    """Losses differ by no more than this on average, and by ten times as much where they differ most: small
    differences grow as training goes on."""
    differences = (found - expected).abs()
    assert differences.mean() <= tolerance
    assert differences.max() <= 10 * tolerance
    assert expected[-20:].mean() < 0.75 * expected[:20].mean()  # there is something to agree on


def test_compiled_by_the_way(losses, eager, monkeypatch):
    # The cheap half of the compiler: the whole net in one graph, forward and backward.
    monkeypatch.setattr(compute, "Compiled", partial(Compiled, backend="aot_eager"))
    found, solver = losses(engine="compiled")
    assert solver.net.engine.engine == "compiled"
    near(found, eager(), 1e-4)


@pytest.mark.filterwarnings("ignore")  # of the compiler's own making
def test_compiled_in_full(losses, eager):
    found, solver = losses(engine="compiled", iterations=20, net=SMALL)
    if solver.net.engine.engine != "compiled":
        pytest.skip(str(solver.net.engine))
    torch.testing.assert_close(found, eager(iterations=20, net=SMALL), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("precision", "tolerance"), [("tf32", 0), ("bf16", 0.06), ("fp16", 0.06)])
def test_precisions(losses, eager, precision, tolerance):
    near(losses(precision=precision)[0], eager(), tolerance)


def test_recomputing_changes_nothing(losses, eager):
    near(losses(recompute=True)[0], eager(), 1e-5)


@pytest.mark.parametrize("engine", ["eager", pytest.param("graph", marks=needs_cuda)])
def test_two_deterministic_runs_are_the_same(losses, engine):
    device = "cuda" if engine == "graph" else "cpu"
    runs = [losses(engine=engine, device=device, deterministic=True) for _ in range(2)]
    assert torch.equal(runs[0][0], runs[1][0])
    first, second = (solver.net.state_dict() for _, solver in runs)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_scaled_loss_that_overflows_costs_an_update(make):
    solver = make(FIELDS, NET, precision="fp16")
    solver.step(1)
    before = {key: value.clone() for key, value in solver.net.state_dict().items()}
    solver.scale.factor.fill_(2.0**40)
    solver.step(1)
    learned = [param.name for param in solver.net.learnable_params if param.lr_mult]
    after = solver.net.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in learned)
    assert (solver.iteration, solver.scale.factor.item()) == (2, 2.0**39)


def told(make, **options):
    """The remarks of a short training, and what its beginning says of the engine."""
    events = []
    make(FIELDS + "\nmax_iter: 2", NET, listeners=[events.append], **options).train()
    notices = [(event.severity, event.message) for event in events if isinstance(event, Notice)]
    return notices, next(event for event in events if isinstance(event, Started)).engine


def test_what_was_chosen_is_told_as_training_starts(make):
    notices, engine = told(make, device="cpu")
    assert notices == []
    assert engine.startswith("engine eager: on the CPU")
    assert told(make, engine="eager") == ([], "")


def test_what_could_not_be_done_is_told(make, monkeypatch):
    assert told(make, engine="graph", device="cpu")[0] == [
        ("warning", "engine eager: a CUDA graph needs a CUDA device, not 'cpu'")
    ]

    def refuse(module, inputs):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(compute, "Compiled", partial(Compiled, backend=refuse))
    assert told(make, engine="compiled")[0] == [
        ("warning", "engine eager: compiled fails: RuntimeError: no compiler")
    ]


# On a GPU -------------------------------------------------------------------------------------------------


@needs_cuda
@pytest.mark.parametrize("more", ["", "iter_size: 2", "clip_gradients: 1", 'type: "Adam" momentum2: 0.99'])
def test_a_graph_trains_as_its_operations_do(losses, more):
    fields = f"{FIELDS}\n{more}"
    expected, _ = losses(fields, engine="eager", device="cuda", deterministic=True)
    found, solver = losses(fields, engine="graph", device="cuda", deterministic=True)
    assert solver.net.engine.engine == "graph"
    near(found, expected, 1e-3)


@needs_cuda
@pytest.mark.filterwarnings("ignore")  # of the compiler's own making
@pytest.mark.parametrize("engine", ["auto", "compiled"])
def test_a_gpu_trains_as_the_cpu_does(losses, engine):
    # The mean, for devices draw other random numbers.
    ways = (("eager", "cpu"), (engine, "cuda"))
    found = [losses(engine=kind, device=device)[0][-100:] for kind, device in ways]
    torch.testing.assert_close(found[1].mean(), found[0].mean(), rtol=0.1, atol=0.1)


@needs_cuda
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")
def test_a_graph_waits_for_the_device_only_where_it_must(make):
    solver = make(FIELDS.replace("display: 50", "display: 0"), NET, engine="graph", device="cuda")
    solver.step(10)
    torch.cuda.set_sync_debug_mode("error")
    try:
        with solver._running():
            for _ in range(5):
                solver._iterate({})
    finally:
        torch.cuda.set_sync_debug_mode("default")


@needs_cuda
def test_a_graph_goes_on_from_a_snapshot(make):
    fields = FIELDS + "\nsnapshot: 10"
    whole = make(fields, NET, engine="graph", device="cuda", deterministic=True)
    whole.step(20)
    resumed = make(fields, NET, engine="graph", device="cuda", deterministic=True)
    resumed.restore("snap_iter_10.solverstate")
    resumed.step(10)
    torch.testing.assert_close(resumed.net.state_dict(), whole.net.state_dict(), rtol=1e-5, atol=1e-6)
