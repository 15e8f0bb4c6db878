import numpy as np
import pytest
import torch


def _layer(param="num_repeats: 3"):
    return f'type: "Repeat" repeat_param {{ {param} }}'


@pytest.mark.parametrize(
    ("axis", "before", "shape"),
    [("", 1, (2, 5)), ("axis: 1", 1, (2, 3, 4)), ("axis: 2", 2, (2, 3, 4)), ("axis: -1", 2, (2, 3, 4)),
     ("axis: 0", 0, (2, 5))],
)  # fmt: skip
def test_values_and_gradient(build, gradcheck, randn, axis, before, shape):
    layer, x = build(_layer(f"num_repeats: 3 {axis}"), shape), randn(*shape)
    expected = np.zeros((*shape[:before], 3, *shape[before:]))
    for index in np.ndindex(expected.shape):
        expected[index] = x.detach().numpy()[index[:before] + index[before + 1 :]]
    assert layer.shapes == [expected.shape]
    np.testing.assert_array_equal(layer(x).detach(), expected)
    gradcheck(layer, x)


def test_the_forks_matrix_is_a_blob_that_nobody_learns(build, randn):
    layer, x = build(_layer(), (2, 4)), randn(2, 4)
    (weight,) = layer.blobs
    assert not weight.requires_grad
    assert weight.shape == (12, 4)
    np.testing.assert_array_equal((x @ weight.double().T).reshape(2, 3, 4).detach(), layer(x).detach())


def test_another_batch_than_the_text_s(build):
    assert build(_layer(), (2, 4))(torch.ones(5, 4)).shape == (5, 3, 4)


def test_refused(rejects):
    rejects("num_repeats must be given and at least 1", "repeat_param", _layer(""), (2, 3))
    rejects("num_repeats must be given and at least 1", "0", _layer("num_repeats: 0"), (2, 3))
    rejects("no axis 1 of a blob with 1 axes", "repeat_param", _layer(), (2,))
