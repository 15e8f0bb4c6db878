import numpy as np
import pytest
import torch


def _layer(param):
    return f'type: "ArgMax" argmax_param {{ {param} }}'


def _ranked(values, top_k):
    """The largest values with their indices; of equals, the one with the larger index first."""
    return sorted(((value, index) for index, value in enumerate(values)), reverse=True)[:top_k]


def _ties(*shape):
    # Few different numbers, so that many are equal.
    return torch.randint(0, 4, shape, generator=torch.Generator().manual_seed(0)).double()


@pytest.mark.parametrize("top_k", [1, 3])
@pytest.mark.parametrize("values", [True, False])
@pytest.mark.parametrize(("axis", "along"), [(0, 0), (1, 1), (-1, 2)])
def test_along_an_axis(build, axis, along, values, top_k):
    layer = build(_layer(f"axis: {axis} top_k: {top_k} out_max_val: {str(values).lower()}"), (4, 5, 6))
    x = _ties(4, 5, 6)
    expected = np.apply_along_axis(
        lambda row: [pair[0 if values else 1] for pair in _ranked(row, top_k)], along, x.numpy()
    )
    np.testing.assert_array_equal(layer(x), expected)
    assert layer.shapes == [expected.shape]


@pytest.mark.parametrize("top_k", [1, 4])
@pytest.mark.parametrize("values", [True, False])
@pytest.mark.parametrize(
    ("shape", "behind"),
    [((5,), ()), ((3, 7), ()), ((3, 2, 4), ()), ((3, 2, 2, 2), (1,)), ((2, 2, 1, 1, 3), (1, 1))],
)
def test_over_an_item(build, shape, behind, values, top_k):
    top_k = min(top_k, int(np.prod(shape[1:])))
    layer, x = build(_layer(f"top_k: {top_k} out_max_val: {str(values).lower()}"), shape), _ties(*shape)
    expected = np.zeros((shape[0], 1 + values, top_k))
    for item, row in enumerate(x.reshape(shape[0], -1).tolist()):
        for place, (value, index) in enumerate(_ranked(row, top_k)):
            expected[item, :, place] = [index, value] if values else [index]
    assert layer.shapes == [(shape[0], 1 + values, top_k, *behind)]
    np.testing.assert_array_equal(layer(x), expected.reshape(layer.shapes[0]))


@pytest.mark.parametrize("param", ["", "out_max_val: true", "axis: 1 out_max_val: true top_k: 2"])
def test_no_gradient(build, randn, param):
    assert not build(_layer(param), (2, 3))(randn(2, 3)).requires_grad


def test_indices_stay_whole_in_half_precision(build):
    x = torch.zeros(1, 5001, dtype=torch.bfloat16)
    x[0, 4001] = 1
    assert build(_layer(""), (1, 5001))(x).item() == 4001


def test_another_batch_than_the_text_s(build):
    assert build(_layer(""), (2, 3))(torch.ones(0, 3)).shape == (0, 1, 1)


def test_top_k_out_of_range(rejects):
    rejects(
        "top_k must be at least 1 and at most 3, the size of axis 1", "4", _layer("axis: 1 top_k: 4"), (2, 3)
    )
    rejects("at most 12, the size of an item, not 13", "13", _layer("top_k: 13"), (2, 3, 4))
    rejects("at least 1", "0", _layer("top_k: 0"), (2, 3))


def test_no_such_axis(rejects):
    rejects("no axis -3 of a blob", "-3", _layer("axis: -3"), (2, 3))


def test_items_are_needed(rejects):
    rejects("must have an axis of items", '"b0"', _layer(""), ())
