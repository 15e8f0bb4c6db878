import numpy as np
import torch


def test_values_and_gradient_to_both(build, gradcheck, randn):
    layer, a, b = build('type: "EuclideanLoss"', (4, 3), (4, 3)), randn(4, 3), randn(4, 3)
    expected = ((a - b).detach().numpy() ** 2).sum() / 8
    np.testing.assert_allclose(layer(a, b).item(), expected)
    assert layer.shapes == [()]
    gradcheck(layer, a, b)


def test_divides_by_the_batch_it_gets(build):
    layer = build('type: "EuclideanLoss"', (4, 3), (4, 3))
    assert layer(torch.ones(2, 3), torch.zeros(2, 3)).item() == 1.5


def test_shapes_need_only_the_same_elements(build):
    layer = build('type: "EuclideanLoss"', (4, 1), (4,))
    assert layer(torch.ones(4, 1), torch.tensor([1.0, 1, 1, 3])).item() == 0.5


def test_counts_differ(rejects):
    rejects("as many elements", "layer", 'type: "EuclideanLoss"', (4, 3), (4, 2))
    rejects("the same batch", "layer", 'type: "EuclideanLoss"', (4, 3), (3, 4))
