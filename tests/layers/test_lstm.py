from copy import deepcopy

import numpy as np
import pytest
import torch

from netspec.errors import ShapeError

FILLERS = 'weight_filler { type: "gaussian" std: 0.7 } bias_filler { type: "uniform" min: -1 max: 1 }'
T, N, K, H = 5, 3, 6, 4


def lstm(fields=f"batch_size: {N}"):
    return f'type: "Lstm" lstm_param {{ num_output: {H} {FILLERS} {fields} }}'


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Reference:
    """Loops over steps and streams, forward and backward, each rule as the fork states it."""

    def __init__(self, layer, clip=0.0):
        self.w, self.u, self.b = (blob.detach().numpy() for blob in layer.blobs)
        self.h, self.c = np.zeros((N, H)), np.zeros((N, H))
        self.clip = clip

    def forward(self, x, flags=None):
        x = x.reshape(-1, N, K)
        self.x, steps = x, len(x)
        if flags is None:
            flags = np.repeat(np.arange(steps)[:, None] > 0, N, 1)
        self.on = flags.reshape(steps, N) != 0
        self.hs, self.cs, self.gates = [self.h], [self.c], []
        for t in range(steps):
            pre = x[t] @ self.w.T + self.b + np.where(self.on[t, :, None], self.hs[-1] @ self.u.T, 0)
            i, f, o = (_sigmoid(pre[:, k * H : (k + 1) * H]) for k in range(3))
            f = np.where(self.on[t, :, None], f, 0)
            g = np.tanh(pre[:, 3 * H :])
            self.gates.append((i, f, o, g))
            self.cs.append(f * self.cs[-1] + i * g)
            self.hs.append(o * np.tanh(self.cs[-1]))
        self.h, self.c = self.hs[-1], self.cs[-1]
        return np.concatenate(self.hs[1:])

    def backward(self, dy):
        """The gradients to x and to the blobs."""
        dy = dy.reshape(-1, N, H)
        dh_next, dc_next = np.zeros((N, H)), np.zeros((N, H))
        dx, dw, du, db = np.zeros_like(self.x), *(np.zeros_like(blob) for blob in (self.w, self.u, self.b))
        for t in reversed(range(len(dy))):
            i, f, o, g = self.gates[t]
            dh, tanh_c = dy[t] + dh_next, np.tanh(self.cs[t + 1])
            dc = dc_next + dh * o * (1 - tanh_c**2)
            slopes = i * (1 - i), f * (1 - f), o * (1 - o), 1 - g**2
            grads = dc * g, dc * self.cs[t], dh * tanh_c, dc * i
            pre = np.concatenate([slope * grad for slope, grad in zip(slopes, grads, strict=True)], 1)
            if self.clip:
                pre = np.clip(pre, -self.clip, self.clip)
            dx[t] = pre @ self.w
            dw += pre.T @ self.x[t]
            db += pre.sum(0)
            on = self.on[t, :, None]
            du += pre.T @ np.where(on, self.hs[t], 0)
            dh_next, dc_next = np.where(on, pre @ self.u, 0), dc * f
        return dx.reshape(-1, K), dw, du, db


def _flags(rng, steps=T):
    return torch.from_numpy((rng.random(steps * N) > 0.3).astype(float))


@pytest.mark.parametrize("clip", [0, 0.25])
@pytest.mark.parametrize("flagged", [False, True], ids=["", "flags"])
def test_values_and_gradients_over_two_batches(build, rng, clip, flagged):
    shapes = [(T * N, K)] + [(T * N,)] * flagged
    layer = build(lstm(f"batch_size: {N} clipping_threshold: {clip}"), *shapes).double()
    assert layer.shapes == [(T * N, H)]
    reference = Reference(layer, clip)
    for steps in (T, 2 * T):  # of another length
        x = torch.from_numpy(rng.standard_normal((steps * N, K))).requires_grad_()
        flags = [_flags(rng, steps)] if flagged else []
        dy = rng.standard_normal((steps * N, H)) * 3
        if not flagged:
            reference.h, reference.c = np.zeros((N, H)), np.zeros((N, H))
        top = layer(x, *flags)
        np.testing.assert_allclose(
            top.detach(), reference.forward(x.detach().numpy(), *(f.numpy() for f in flags)), atol=1e-12
        )
        found = torch.autograd.grad(top, [x, *layer.blobs], torch.from_numpy(dy))
        for mine, expected in zip(found, reference.backward(dy), strict=True):
            np.testing.assert_allclose(mine, expected, atol=1e-11)


def test_numeric_gradient(build, gradcheck, randn):
    layer = build(lstm(), (T * N, 2, 3), (T * N,))
    flags = torch.ones(T, N).double()
    flags[0] = 0
    flags[3, 1] = 0
    gradcheck(layer, randn(T * N, 2, 3), flags.flatten())


def test_blobs_in_the_forks_order(build):
    layer = build(lstm(), (T * N, 2, 3))
    assert [tuple(blob.shape) for blob in layer.blobs] == [(4 * H, 6), (4 * H, H), (4 * H,)]
    assert all(blob.std() > 0 for blob in layer.blobs)


def test_batch_size_is_one_by_default(build, randn):
    one, three = build(lstm(""), (T, K)).double(), build(lstm(), (T * N, K)).double()
    x = randn(T, N, K)
    top = three(x.flatten(0, 1)).view(T, N, H)
    for n in range(N):
        torch.testing.assert_close(one(x[:, n]), top[:, n])


def test_any_flag_but_zero_goes_on(build, randn, rng):
    layer = build(lstm(), (T * N, K), (T, N)).double()
    twin, x, flags = deepcopy(layer), randn(T * N, K), _flags(rng).view(T, N)
    torch.testing.assert_close(layer(x, flags * 7), twin(x, flags))


def test_without_flags_nothing_is_carried(build, randn):
    layer = build(lstm(), (T * N, K)).double()
    x = randn(T * N, K)
    torch.testing.assert_close(layer(x), layer(x))
    assert not list(layer.buffers())


def test_no_gradient_goes_back_to_the_last_batch(build, randn):
    layer = build(lstm(), (T * N, K), (T * N,)).double()
    first, second = randn(T * N, K), randn(T * N, K)
    ones = torch.ones(T * N).double()
    layer(first, ones)
    layer(second, ones).sum().backward()
    assert first.grad is None
    assert second.grad is not None


# PyTorch's own tracer makes an instance of the function, and warns of it.
@pytest.mark.filterwarnings("ignore:.*Function'> should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("fields", ["", "clipping_threshold: 0.1"])
def test_compiles_as_one_graph(build, randn, fields):
    layer = build(lstm(f"batch_size: {N} {fields}"), (T * N, K), (T * N,)).double()
    eager, x, ones = deepcopy(layer), randn(T * N, K), torch.ones(T * N).double()
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    outs = compiled(x, ones), eager(x, ones)
    torch.testing.assert_close(*outs)
    torch.testing.assert_close(*(torch.autograd.grad(out.square().sum(), x) for out in outs))


@pytest.mark.parametrize("field", ["num_output", "batch_size"])
def test_sizes_are_at_least_one(rejects, field):
    fields = "num_output: 4 batch_size: 3".replace(
        f"{field}: {4 if field == 'num_output' else 3}", f"{field}: 00"
    )
    rejects(f"{field} must be at least 1", "00", f'type: "Lstm" lstm_param {{ {fields} }}', (T * N, K))


def test_whole_steps(rejects):
    message = r"on b0 16x6: the first axis must be a multiple of batch_size, 3"
    rejects(message, '"b0"', lstm(), (16, K), error=ShapeError)


def test_a_flag_for_each_item(rejects):
    message = "as many flags as items are needed: 15, not 5"
    rejects(message, '"b1"', lstm(), (T * N, K), (T,), error=ShapeError)


def test_three_bottoms_are_too_many(rejects):
    rejects("takes 1 to 2 bottoms, not 3", '"b2"', lstm(), (T * N, K), (T * N,), (T * N,))
