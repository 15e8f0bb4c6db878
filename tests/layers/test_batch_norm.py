import numpy as np
import pytest
import torch

from netspec import Net, compile_net, load_solver
from netspec.errors import ShapeError
from netspec.schema.document import load_document
from netspec.schema.messages import NetParameter
from netspec.text.source import Source
from netspec.weights.caffemodel import read_caffemodel

_ONES = "slope_filler { value: 1 }"


def _batch_norm(param=""):
    return f'type: "BatchNorm" batch_norm_param {{ {param} }}'


def _bn(param=_ONES):
    return f'type: "BN" bn_param {{ {param} }}'


def _statistics(x):
    """Mean and biased variance of each channel, and how many elements it has."""
    channels = [x[:, c].ravel() for c in range(x.shape[1])]
    mean = np.array([sum(values) / len(values) for values in channels])
    squares = [sum((v - m) ** 2 for v in values) for values, m in zip(channels, mean, strict=True)]
    return mean, np.array(squares) / len(channels[0]), len(channels[0])


def _normalized(x, mean, variance, eps):
    over = (slice(None), *(None,) * (x.ndim - 2))
    return (x - mean[over]) / np.sqrt(variance[over] + eps)


def _fill(layer, **blobs):
    with torch.no_grad():
        for name, values in blobs.items():
            blob = getattr(layer, name)
            blob.copy_(torch.as_tensor(values).view_as(blob))


@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 6), (2, 3, 4, 5), (2, 3, 2, 3, 4)])
def test_batch_statistics_and_gradient(build, randn, shape):
    layer, x = build(_batch_norm("eps: 0.01"), shape, training=True).double(), randn(*shape)
    mean, variance, _ = _statistics(x.detach().numpy())
    np.testing.assert_allclose(layer(x).detach(), _normalized(x.detach().numpy(), mean, variance, 0.01))
    assert torch.autograd.gradcheck(layer, x)
    assert layer.shapes == [shape]


def test_running_sums_over_three_batches(build, rng):
    layer = build(_batch_norm("moving_average_fraction: 0.75"), (4, 2, 3, 3), training=True).double()
    means, variances, weight = np.zeros(2), np.zeros(2), 0
    for size in (4, 2, 5):  # of one element more or less
        x = rng.normal(3, 2, (size, 2, 3, 3))
        mean, variance, count = _statistics(x)
        means, variances = 0.75 * means + mean, 0.75 * variances + variance * count / (count - 1)
        weight = 0.75 * weight + 1
        layer(torch.from_numpy(x))
    for blob, expected in zip(layer.blobs, (means, variances, [weight]), strict=True):
        np.testing.assert_allclose(blob.numpy(), expected)
    x = rng.normal(size=(3, 2, 4, 4))
    expected = _normalized(x, means / weight, variances / weight, 1e-5)
    np.testing.assert_allclose(layer.eval()(torch.from_numpy(x)), expected, rtol=1e-6)


def test_running_statistics_in_test_stay_and_pass_the_gradient(build, randn):
    layer, x = build(_batch_norm(), (3, 2, 4)).double(), randn(3, 2, 4)
    _fill(layer, mean=[2.0, -4.0], variance=[8.0, 1.0], scale_factor=[4.0])
    before = [blob.clone() for blob in layer.blobs]
    expected = _normalized(x.detach().numpy(), np.array([0.5, -1]), np.array([2, 0.25]), 1e-5)
    np.testing.assert_allclose(layer(x).detach(), expected, rtol=1e-6)
    assert torch.autograd.gradcheck(layer, x)
    assert all(torch.equal(blob, old) for blob, old in zip(layer.blobs, before, strict=True))


def test_statistics_of_no_batch_are_zeros(build):
    layer = build(_batch_norm("eps: 0.25"), (2, 2))
    np.testing.assert_allclose(layer(torch.ones(2, 2)), np.full((2, 2), 2.0))


@pytest.mark.parametrize(("phase", "given"), [(True, "true"), (False, "false")])
def test_use_global_stats_decides_over_the_phase(build, phase, given):
    layer = build(_batch_norm(f"use_global_stats: {given}"), (4, 2), training=phase)
    layer(torch.randn(4, 2))
    assert layer.scale_factor.item() == (given == "false")


def test_one_element_per_channel_is_its_own_mean(build):
    layer = build(_batch_norm(), (1, 2), training=True)
    x = torch.tensor([[3.0, -1.0]], requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert y.tolist() == x.grad.tolist() == [[0, 0]]
    assert [blob.tolist() for blob in layer.blobs] == [[3, -1], [0, 0], [1]]


@pytest.mark.parametrize("param", ["scale_bias: true", "bias_filler { value: 0.5 }"])
def test_scale_and_bias_of_the_fork_are_learned(build, randn, param):
    layer, x = build(_batch_norm(param), (4, 2, 3), training=True).double(), randn(4, 2, 3)
    start = 0.5 if "filler" in param else 0
    assert [blob.tolist() for blob in layer.blobs[3:]] == [[1, 1], [start, start]]
    assert [blob.requires_grad for blob in layer.blobs] == [False, False, False, True, True]
    _fill(layer, scale=[2.0, 3.0], bias=[-1.0, 1.0])
    mean, variance, _ = _statistics(x.detach().numpy())
    expected = _normalized(x.detach().numpy(), mean, variance, 1e-5) * [[2], [3]] + [[-1], [1]]
    np.testing.assert_allclose(layer(x).detach(), expected, rtol=1e-6)

    def run(x, scale, bias):
        return torch.func.functional_call(layer, {"scale": scale, "bias": bias}, x)

    assert torch.autograd.gradcheck(run, (x, randn(2), randn(2)))


def test_update_global_stats_of_the_fork(build, rng):
    param = "use_global_stats: true update_global_stats: true moving_average_fraction: 0.5"
    layer = build(_batch_norm(param), (4, 2, 3), training=True).double()
    _fill(layer, mean=[2.0, -4.0], variance=[8.0, 1.0], scale_factor=[4.0])
    x, mean = rng.normal(size=(4, 2, 3)), np.array([0.5, -1])
    variance = ((x - mean[:, None]) ** 2).mean((0, 2))
    np.testing.assert_allclose(layer(torch.from_numpy(x)), _normalized(x, mean, variance, 1e-5))
    expected = [[1.5, -3], variance * 12 / 11 + [4, 0.5], [3]]
    for blob, values in zip(layer.blobs, expected, strict=True):
        np.testing.assert_allclose(blob.numpy(), values)


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 4, 5)])
def test_bn_in_train(build, randn, shape):
    layer, x = build(_bn(f"momentum: 0.75 eps: 0.01 {_ONES}"), shape, training=True).double(), randn(*shape)
    assert [tuple(blob.shape) for blob in layer.blobs] == [(1, 3, 1, 1)] * 4
    assert [blob.requires_grad for blob in layer.blobs] == [True, True, False, False]
    _fill(layer, slope=[1.0, 2.0, 3.0], bias=[0.0, -1.0, 1.0], mean=[4.0, 8.0, 0.0], variance=[1.0, 2.0, 4.0])
    mean, variance, _ = _statistics(x.detach().numpy())
    expected = _normalized(x.detach().numpy(), mean, variance, 0.01).swapaxes(1, -1) * [1, 2, 3] + [0, -1, 1]
    np.testing.assert_allclose(layer(x).detach(), expected.swapaxes(1, -1), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(layer.mean.flatten(), 0.25 * mean + [3, 6, 0])
    np.testing.assert_allclose(layer.variance.flatten(), 0.25 * variance + [0.75, 1.5, 3])

    def run(x, slope, bias):
        return torch.func.functional_call(layer, {"slope": slope, "bias": bias}, x)

    assert torch.autograd.gradcheck(run, (x, randn(1, 3, 1, 1), randn(1, 3, 1, 1)))


@pytest.mark.parametrize(("param", "training"), [("", False), ("frozen: true", True)])
def test_bn_with_running_statistics(build, randn, param, training):
    layer = build(_bn(f"{param} {_ONES} bias_filler {{ value: 2 }}"), (2, 2, 3), training=training).double()
    x = randn(2, 2, 3)
    assert layer.variance.flatten().tolist() == [1, 1] if training else [0, 0]
    assert layer.slope.requires_grad is layer.bias.requires_grad is not training
    _fill(layer, mean=[0.5, -1.0], variance=[2.0, 0.25])
    expected = _normalized(x.detach().numpy(), np.array([0.5, -1]), np.array([2, 0.25]), 1e-5) + 2
    np.testing.assert_allclose(layer(x).detach(), expected, rtol=1e-6)
    assert torch.autograd.gradcheck(layer, x)
    assert layer.mean.flatten().tolist() == [0.5, -1]


def test_the_slope_starts_as_zeros_without_filler(build):
    assert build(_bn(""), (2, 2)).slope.flatten().tolist() == [0, 0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("text", [_batch_norm("scale_bias: true"), _bn()])
def test_compiles_whole_and_still_updates(build, text):
    eager, compiled = (build(text, (4, 3, 5), training=True) for _ in range(2))
    run = torch.compile(compiled, fullgraph=True, backend="aot_eager")
    for seed in range(2):
        x = torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(seed))
        torch.testing.assert_close(run(x), eager(x))
    for left, right in zip(compiled.blobs, eager.blobs, strict=True):
        torch.testing.assert_close(left, right)


_NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 } } }
layer { name: "t" type: "Input" top: "t" input_param { shape { dim: 4 dim: 3 } } }
layer { name: "bn" type: "BatchNorm" bottom: "x" top: "y" batch_norm_param { moving_average_fraction: 0.5 } }
layer { name: "ip" type: "InnerProduct" bottom: "y" top: "z"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "z" bottom: "t" }
"""


def test_a_solver_leaves_the_statistics_alone(tmp_path):
    (tmp_path / "net.prototxt").write_text(_NET)
    path = tmp_path / "solver.prototxt"
    path.write_text(
        f'net: "{tmp_path}/net.prototxt" base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 weight_decay: 0.5 '
        "clip_gradients: 0.1 solver_mode: CPU max_iter: 2 random_seed: 1 snapshot_after_train: false"
    )
    solver = load_solver(path)
    net: Net = solver.net
    assert [p.lr_mult for p in net.learnable_params] == [0, 0, 0, 1, 1]
    weights = net.params["ip"][0].detach().clone()
    x = torch.randn(4, 3)
    for _ in range(2):
        net.loss(net(x=x, t=torch.ones(4, 3))).backward()
        solver.rule.step()
    assert not torch.equal(net.params["ip"][0], weights)
    mean, variance, weight = net.params["bn"]
    torch.testing.assert_close(mean.detach(), 1.5 * x.mean(0))
    torch.testing.assert_close(variance.detach(), 1.5 * x.var(0))
    assert weight.tolist() == [1.5]


def test_saved_and_loaded_in_order(tmp_path):
    nets = [
        compile_net(load_document(Source("net.prototxt", _NET), NetParameter), phase=phase)
        for phase in ("TRAIN", "TEST")
    ]
    nets[0](x=torch.randn(4, 3), t=torch.ones(4, 3))
    nets[0].save_weights(tmp_path / "net.caffemodel")
    saved = {layer.name: layer.blobs for layer in read_caffemodel(tmp_path / "net.caffemodel")}
    assert [blob.shape for blob in saved["bn"].values()] == [(3,), (3,), (1,)]
    nets[1].load_weights(tmp_path / "net.caffemodel")
    for left, right in zip(nets[0].params["bn"], nets[1].params["bn"], strict=True):
        assert torch.equal(left, right)
    assert nets[1].params["bn"][2].tolist() == [1]


def test_statistics_are_not_learned(rejects):
    message = r"layer 'l' \(BatchNorm\): blob 1 is a running statistic.* its lr_mult is 0"
    rejects(message, "2", 'type: "BatchNorm" param { lr_mult: 0 } param { lr_mult: 2 }', (2, 3))


def test_param_blocks_that_name_no_rate_are_none_of_ours(build):
    build('type: "BatchNorm" param { lr_mult: 0 } param { decay_mult: 0 } param { name: "n" }', (2, 3))


@pytest.mark.parametrize("type", ["BatchNorm", "BN"])
def test_no_channels(rejects, type):
    rejects("b0 4: the bottom must have channels", '"b0"', f'type: "{type}"', (4,), error=ShapeError)
