import numpy as np
import pytest
import torch


@pytest.mark.parametrize(
    ("shape", "scale"), [((2, 3, 4, 5), (2, 3)), ((2, 3, 4, 5), (2, 3, 1, 1)), ((2, 3), (2, 3))]
)
def test_values_and_gradient(build, gradcheck, randn, shape, scale):
    layer, bottoms = build('type: "Axpy"', scale, shape, shape), [randn(*scale), randn(*shape), randn(*shape)]
    a, x, y = (bottom.detach().numpy() for bottom in bottoms)
    expected = y.copy()
    for n, c in np.ndindex(2, 3):
        expected[n, c] += a[n, c].item() * x[n, c]
    np.testing.assert_allclose(layer(*bottoms).detach(), expected)
    gradcheck(layer, *bottoms)


def test_another_batch_than_the_text_s(build):
    layer = build('type: "Axpy"', (2, 3, 1, 1), (2, 3, 4, 5), (2, 3, 4, 5))
    x = torch.ones(7, 3, 4, 5)
    assert torch.equal(layer(torch.ones(7, 3, 1, 1), x, x), 2 * x)


@pytest.mark.parametrize("scale", [(2,), (2, 4), (3, 3), (2, 3, 4, 5)])
def test_one_number_per_channel(rejects, scale):
    shape = (2, 3, 4, 5)
    rejects("one number per item and channel of the second", '"b0"', 'type: "Axpy"', scale, shape, shape)


def test_shapes_differ(rejects):
    message = "the third bottom must have the second one's shape"
    rejects(message, '"b2"', 'type: "Axpy"', (2, 3), (2, 3, 4), (2, 3, 5))


def test_channels_are_needed(rejects):
    rejects("must be NxC or have more axes", '"b1"', 'type: "Axpy"', (2,), (2,), (2,))


def test_two_bottoms_are_too_few(rejects):
    rejects("takes 3 bottoms, not 2", "layer", 'type: "Axpy"', (2, 3), (2, 3))
