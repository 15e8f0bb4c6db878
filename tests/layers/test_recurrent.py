from copy import deepcopy

import numpy as np
import pytest
import torch

from netspec.errors import NetError, ShapeError

FILLERS = 'weight_filler { type: "gaussian" std: 0.7 } bias_filler { type: "uniform" min: -1 max: 1 }'
STATES = {"LSTM": 2, "GRU": 1, "RNN": 1}


def recurrent(type, fields=""):
    return f'type: "{type}" recurrent_param {{ num_output: 4 {FILLERS} {fields} }}'


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference(type, blobs, x, flags, static=None, states=None):
    """Loops over steps and streams; the top and the last states."""
    blobs = [blob.detach().numpy() for blob in blobs]
    w, b, *rest = blobs
    static_w = rest.pop(0) if static is not None else None
    u, *output = rest
    steps, streams = flags.shape
    size = u.shape[1]
    tops = np.zeros((steps, streams, size))
    states = np.zeros((2, streams, size)) if states is None else np.array(states)
    for t in range(steps):
        for n in range(streams):
            h, *c = (flags[t, n] * state[n] for state in states)
            gates = w @ x[t, n].ravel() + b
            if static is not None:
                gates = gates + static_w @ static[n].ravel()
            if type == "GRU":
                from_input, from_hidden = gates.reshape(3, size), (u @ h).reshape(3, size)
                r, z = _sigmoid(from_input[:2] + from_hidden[:2])
                candidate = np.tanh(from_input[2] + r * from_hidden[2])
                states[0][n] = tops[t, n] = z * h + (1 - z) * candidate
                continue
            gates = gates + u @ h
            if type == "RNN":
                states[0][n] = np.tanh(gates)
                tops[t, n] = np.tanh(output[0] @ states[0][n] + output[1])
                continue
            i, f, o, g = gates.reshape(4, size)
            states[1][n] = _sigmoid(f) * c[0] + _sigmoid(i) * np.tanh(g)
            states[0][n] = tops[t, n] = _sigmoid(o) * np.tanh(states[1][n])
    return tops, states[: STATES[type]]


def _flags(*rows):
    return torch.tensor(rows, dtype=torch.float64)


WHOLE = _flags(*[[0, 0, 0]] + [[1, 1, 1]] * 3)
BREAKS = _flags([0, 0, 0], [1, 1, 1], [0, 1, 1], [1, 0.5, 1])
# 8 steps: the fewest of which the fused kernel does two runs.
ONE_BREAK = torch.cat([WHOLE, _flags([0, 1, 1]), WHOLE[1:]])


@pytest.mark.parametrize("type", STATES)
@pytest.mark.parametrize("flags", [WHOLE, BREAKS, ONE_BREAK], ids=["whole", "breaks", "one break"])
@pytest.mark.parametrize("with_static", [False, True], ids=["", "static"])
def test_values_and_gradient(build, gradcheck, randn, type, flags, with_static):
    x, static = randn(*flags.shape, 2, 3), [randn(3, 2, 1)] if with_static else []
    bottoms = [x, flags, *static]
    layer = build(recurrent(type), *(bottom.shape for bottom in bottoms)).double()
    assert layer.shapes == [(*flags.shape, 4)]
    expected, _ = reference(type, layer.blobs, *(bottom.detach().numpy() for bottom in bottoms))
    np.testing.assert_allclose(layer(*bottoms).detach(), expected, atol=1e-12)
    gradcheck(layer, *bottoms)


@pytest.mark.parametrize("type", STATES)
def test_exposed_states(build, gradcheck, randn, type):
    count = STATES[type]
    states = [randn(1, 3, 4) for _ in range(count)]
    flags = ONE_BREAK.clone()
    flags[0] = _flags(1, 0, 1)
    bottoms = [randn(8, 3, 5), flags, randn(3, 2), *states]
    layer = build(
        recurrent(type, "expose_hidden: true"), *(b.shape for b in bottoms), tops=1 + count
    ).double()
    assert layer.shapes == [(8, 3, 4)] + [(1, 3, 4)] * count
    values = [bottom.detach().numpy() for bottom in bottoms]
    expected, last = reference(type, layer.blobs, *values[:3], states=[state[0] for state in values[3:]])
    top, *exposed = layer(*bottoms)
    np.testing.assert_allclose(top.detach(), expected, atol=1e-12)
    np.testing.assert_allclose(torch.cat(exposed), last, atol=1e-12)
    torch.testing.assert_close(layer(*bottoms)[0], top)  # nothing is carried


@pytest.mark.parametrize("type", STATES)
def test_no_gradient_through_exposed_states_nor_flags(build, randn, type):
    count = STATES[type]
    bottoms = [randn(2, 3, 5), randn(2, 3), *(randn(1, 3, 4) for _ in range(count))]
    layer = build(
        recurrent(type, "expose_hidden: true"), *(b.shape for b in bottoms), tops=1 + count
    ).double()
    top, *last = layer(*bottoms)
    assert not any(state.requires_grad for state in last)
    top.sum().backward()
    assert bottoms[0].grad is not None
    assert all(bottom.grad is None for bottom in bottoms[1:])


@pytest.mark.parametrize(
    ("type", "static", "shapes"),
    [
        ("LSTM", False, [(16, 6), (16,), (16, 4)]),
        ("LSTM", True, [(16, 6), (16,), (16, 2), (16, 4)]),
        ("GRU", False, [(12, 6), (12,), (12, 4)]),
        ("GRU", True, [(12, 6), (12,), (12, 2), (12, 4)]),
        ("RNN", False, [(4, 6), (4,), (4, 4), (4, 4), (4,)]),
        ("RNN", True, [(4, 6), (4,), (4, 2), (4, 4), (4, 4), (4,)]),
    ],
)
def test_blobs_in_caffes_order(build, type, static, shapes):
    bottoms = [(5, 3, 2, 3), (5, 3)] + [(3, 2)] * static
    layer = build(recurrent(type), *bottoms)
    assert [tuple(blob.shape) for blob in layer.blobs] == shapes
    assert all(blob.std() > 0 for blob in layer.blobs)


def test_fillers_default_to_zeros(build):
    layer = build('type: "LSTM" recurrent_param { num_output: 4 debug_info: true }', (5, 3, 6), (5, 3))
    assert not any(blob.any() for blob in layer.blobs)


# The state from one batch to the next -----------------------------------------------------------------------


@pytest.fixture(params=STATES)
def carrying(request, build):
    return build(recurrent(request.param), (5, 3, 6), (5, 3)).double()


def _in_two(layer, x, flags):
    return torch.cat([layer(x[:5], flags[:5]), layer(x[5:], flags[5:])])


def test_the_state_goes_on_in_the_next_batch(carrying, randn):
    x, flags = randn(10, 3, 6), torch.ones(10, 3).double()
    flags[0], flags[5] = 0, _flags(1, 0, 1)
    whole = carrying(x, flags)
    torch.testing.assert_close(_in_two(carrying, x, flags), whole)
    assert not torch.allclose(carrying(x, flags.clone().fill_(1)), whole)


def test_no_gradient_goes_back_to_the_last_batch(carrying, randn):
    first, second = randn(5, 3, 6), randn(5, 3, 6)
    ones = torch.ones(5, 3).double()
    for x in (first, second):
        last = carrying(x, ones).sum()
    last.backward()
    assert first.grad is None
    assert second.grad is not None


def test_two_forwards_then_two_backwards(carrying, randn):
    """The state is replaced, not overwritten: the first graph still needs it."""
    ones = torch.ones(5, 3).double()
    losses = [carrying(randn(5, 3, 6), ones).sum() for _ in range(3)]
    for loss in losses:
        loss.backward()


def test_a_top_changed_in_place_leaves_the_state_alone(carrying, randn):
    x, ones = randn(5, 3, 6), torch.ones(5, 3).double()
    with torch.no_grad():
        twin = deepcopy(carrying)
        carrying(x, ones).zero_()
        twin(x, ones)
        torch.testing.assert_close(carrying(x, ones), twin(x, ones))


def test_another_number_of_streams_begins_at_zero(carrying, randn):
    fresh, ones = deepcopy(carrying), torch.ones(5, 3).double()
    carrying(randn(5, 3, 6), ones)
    x = randn(2, 4, 6)
    zeros_first = torch.cat([torch.zeros(1, 4), torch.ones(1, 4)]).double()
    torch.testing.assert_close(carrying(x, torch.ones(2, 4).double()), fresh(x, zeros_first))
    after = carrying(x, torch.ones(2, 4).double())  # and goes on from there
    assert not torch.allclose(after, fresh(x, zeros_first))


def test_a_dry_run_leaves_the_state_where_it_was(carrying):
    carrying.to("meta")
    for name in carrying.state_names:
        setattr(carrying, name, torch.ones(3, 4))
    assert carrying.top_shapes((7, 3, 6), (7, 3)) == [(7, 3, 4)]
    assert all(torch.equal(buffer, torch.ones(3, 4)) for buffer in carrying.buffers())


def test_the_state_is_copied_moved_but_not_saved(carrying, randn):
    carrying(randn(5, 3, 6), torch.ones(5, 3).double())
    copy = deepcopy(carrying)
    for (name, buffer), other in zip(carrying.named_buffers(), copy.buffers(), strict=True):
        assert torch.equal(buffer, other)
        assert buffer is not other
        assert not buffer.requires_grad
        assert name not in carrying.state_dict()
    carrying.to("meta")
    assert all(buffer.is_meta for buffer in carrying.buffers())


def test_after_inference_mode_training_goes_on(carrying, randn):
    ones = torch.ones(5, 3).double()
    with torch.inference_mode():
        carrying(randn(5, 3, 6), ones)
    carrying(randn(5, 3, 6), ones).sum().backward()


@pytest.mark.parametrize("type", STATES)
def test_compiles_as_one_graph(build, randn, type):
    layer = build(recurrent(type), (4, 3, 6), (4, 3)).double()
    eager = deepcopy(layer)
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    x = randn(4, 3, 6)
    for _ in range(2):  # the second goes on from the first
        torch.testing.assert_close(compiled(x, BREAKS[1:2].expand(4, 3)), eager(x, BREAKS[1:2].expand(4, 3)))


# What is refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type", STATES)
def test_num_output_is_required(rejects, type):
    message, bottoms = "num_output must be at least 1", [(5, 3, 6), (5, 3)]
    rejects(message, "layer", f'type: "{type}"', *bottoms)
    rejects(message, "0", f'type: "{type}" recurrent_param {{ num_output: 0 }}', *bottoms)


@pytest.mark.parametrize(
    ("message", "marked", "shapes"),
    [
        (r"on b0 5x3, b1 5x3: the first bottom must be TxNx\.\.", '"b0"', [(5, 3), (5, 3)]),
        ("one flag for each step of each stream: 5x3", '"b1"', [(5, 3, 6), (3, 5)]),
        ("with 3 streams as the first bottom has", '"b2"', [(5, 3, 6), (5, 3), (4, 2)]),
        ("with 3 streams as the first bottom has", '"b2"', [(5, 3, 6), (5, 3), (3,)]),
    ],
)
def test_shapes(rejects, message, marked, shapes):
    rejects(message, marked, recurrent("LSTM"), *shapes, error=ShapeError)


@pytest.mark.parametrize(
    ("message", "marked", "type", "shapes"),
    [
        ("the first hidden must be 1x3x4", '"b2"', "RNN", [(3, 4)]),
        ("the first hidden must be 1x3x4", '"b3"', "RNN", [(3, 2), (1, 3, 5)]),
        ("the first cell must be 1x3x4", '"b3"', "LSTM", [(1, 3, 4), (1, 2, 4)]),
    ],
)
def test_shapes_of_exposed_states(rejects, message, marked, type, shapes):
    text, tops = recurrent(type, "expose_hidden: true"), 1 + STATES[type]
    rejects(message, marked, text, (5, 3, 6), (5, 3), *shapes, tops=tops, error=ShapeError)


@pytest.mark.parametrize(
    ("message", "type", "exposed", "others", "tops"),
    [
        (r"takes 4 or 5 bottoms with expose_hidden \(hidden and cell\), not 3", "LSTM", True, 1, 3),
        (r"takes 3 tops with expose_hidden \(hidden and cell\), not 1", "LSTM", True, 2, 1),
        (r"takes 3 or 4 bottoms with expose_hidden \(hidden\), not 2", "RNN", True, 0, 2),
        ("takes 2 or 3 bottoms without expose_hidden, not 4", "LSTM", False, 2, 1),
        ("takes 1 top without expose_hidden, not 2", "RNN", False, 0, 2),
    ],
)
def test_bottoms_and_tops_go_with_expose_hidden(build, message, type, exposed, others, tops):
    text = recurrent(type, f"expose_hidden: {str(exposed).lower()}")
    with pytest.raises(NetError, match=message) as caught:
        build(text, (5, 3, 6), (5, 3), *[(1, 3, 4)] * others, tops=tops)
    span = caught.value.diagnostics[0].span
    assert span.source.text[span.start : span.end] == str(exposed).lower()


def test_one_bottom_is_too_few(rejects):
    rejects("takes 2 to 5 bottoms, not 1", "layer", recurrent("LSTM"), (5, 3, 6))
