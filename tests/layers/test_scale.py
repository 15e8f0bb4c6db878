import numpy as np
import pytest
import torch

_SHAPE = (2, 3, 4, 5)
_FILLERS = 'filler { type: "gaussian" } bias_filler { type: "gaussian" }'
# The text, the first axis it lines up with, the axes of the blob.
_BLOBS = [
    ("", 1, (3,)),
    ("axis: 1 num_axes: 2", 1, (3, 4)),
    ("axis: 0 num_axes: -1", 0, _SHAPE),
    ("axis: -2 num_axes: -1", 2, (4, 5)),
    ("axis: -1", 3, (5,)),
    ("axis: 2 num_axes: 0", 2, ()),
]
# The second bottom, the text, the first axis it lines up with.
_BOTTOMS = [((3,), "", 1), ((2, 3), "axis: 0", 0), (_SHAPE, "axis: 0", 0), ((5,), "axis: -1", 3), ((), "", 0)]


def _scale(param):
    return f'type: "Scale" scale_param {{ {param} }}'


def _bias(param):
    return f'type: "Bias" bias_param {{ {param} }}'


def _normal(randn, shape):
    return randn(*shape, 1).detach().squeeze(-1).requires_grad_()


def _spread(operand, first):
    """What is applied to each element, by a loop over all of them."""
    full = np.empty(_SHAPE)
    for place in np.ndindex(_SHAPE):
        full[place] = operand[place[first : first + operand.ndim]]
    return full


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("param", "first", "shape"), _BLOBS)
def test_a_learned_factor(build, gradcheck, randn, param, first, shape, bias):
    layer = build(_scale(f"{param} bias_term: {str(bias).lower()} {_FILLERS}"), _SHAPE)
    x = randn(*_SHAPE)
    gradcheck(layer, x)
    blobs = [blob.detach().numpy() for blob in layer.blobs]
    assert [blob.shape for blob in blobs] == [shape] * (1 + bias)
    expected = x.detach().numpy() * _spread(blobs[0], first)
    if bias:
        expected = expected + _spread(blobs[1], first)
    np.testing.assert_allclose(layer(x).detach(), expected)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("shape", "param", "first"), _BOTTOMS)
def test_the_factor_as_a_bottom(build, gradcheck, randn, shape, param, first, bias):
    layer = build(_scale(f"{param} bias_term: {str(bias).lower()} {_FILLERS}"), _SHAPE, shape)
    x, factor = randn(*_SHAPE), _normal(randn, shape)
    gradcheck(layer, x, factor)
    expected = x.detach().numpy() * _spread(factor.detach().numpy(), first)
    assert layer.blob_names == ["bias"] * bias
    if bias:
        assert layer.bias.shape == shape
        expected = expected + _spread(layer.bias.detach().numpy(), first)
    np.testing.assert_allclose(layer(x, factor).detach(), expected)


@pytest.mark.parametrize(("param", "first", "shape"), _BLOBS)
def test_a_learned_term(build, gradcheck, randn, param, first, shape):
    layer, x = build(_bias(f'{param} filler {{ type: "gaussian" }}'), _SHAPE), randn(*_SHAPE)
    gradcheck(layer, x)
    (bias,) = (blob.detach().numpy() for blob in layer.blobs)
    assert bias.shape == shape
    np.testing.assert_allclose(layer(x).detach(), x.detach().numpy() + _spread(bias, first))


@pytest.mark.parametrize(("shape", "param", "first"), _BOTTOMS)
def test_the_term_as_a_bottom(build, gradcheck, randn, shape, param, first):
    layer, x, term = build(_bias(param), _SHAPE, shape), randn(*_SHAPE), _normal(randn, shape)
    assert layer.blobs == []
    np.testing.assert_allclose(
        layer(x, term).detach(), x.detach().numpy() + _spread(term.detach().numpy(), first)
    )
    gradcheck(layer, x, term)


def test_what_blobs_start_as(build):
    layer = build(_scale("bias_term: true"), _SHAPE)
    assert (layer.weight.tolist(), layer.bias.tolist()) == ([1] * 3, [0] * 3)
    assert build(_bias(""), _SHAPE).bias.tolist() == [0] * 3
    assert build(_scale("filler { value: 3 }"), _SHAPE).weight.tolist() == [3] * 3


def test_another_batch_than_the_text_s(build):
    layer = build(_scale("bias_term: true"), _SHAPE)
    assert layer(torch.ones(7, 3, 4, 5)).shape == (7, 3, 4, 5)


@pytest.mark.parametrize("text", [_scale, _bias])
class TestMistakes:
    @pytest.mark.parametrize("shape", [(4,), (3, 5), (3, 4, 5, 1)])
    def test_the_second_bottom_does_not_line_up(self, rejects, text, shape):
        rejects("the second bottom must have the first one's axes from 1 on", '"b1"', text(""), _SHAPE, shape)

    @pytest.mark.parametrize("count", ["4", "-2"])
    def test_more_axes_than_there_are(self, rejects, text, count):
        message = f"num_axes {count} from axis 1 on do not fit 4 axes"
        rejects(message, count, text(f"num_axes: {count}"), _SHAPE)

    def test_no_such_axis(self, rejects, text):
        rejects("no axis 4 of a blob with 4 axes", "4", text("axis: 4"), _SHAPE)
        rejects("no axis 4 of a blob with 4 axes", "4", text("axis: 4"), _SHAPE, (3,))

    def test_too_many_bottoms(self, rejects, text):
        rejects("takes 1 to 2 bottoms, not 3", '"b2"', text(""), _SHAPE, (3,), (3,))
