import numpy as np
import torch

_TYPE = 'type: "L1Loss"'


def test_values_and_gradient_to_both(build, gradcheck, randn):
    layer, a, b = build(_TYPE, (4, 3), (4, 3)), randn(4, 3), randn(4, 3)
    expected = sum(abs(x - y) for x, y in zip(a.detach().flatten(), b.detach().flatten(), strict=True)) / 4
    np.testing.assert_allclose(layer(a, b).item(), expected)
    assert layer.shapes == [()]
    gradcheck(layer, a, b)


def test_equal_elements_have_no_gradient(build):
    a = torch.ones(1, 2, requires_grad=True)
    build(_TYPE, (1, 2), (1, 2))(a, torch.tensor([[1.0, 2.0]])).backward()
    assert a.grad.tolist() == [[0, -1]]


def test_another_batch_than_the_text_s(build):
    assert build(_TYPE, (4, 3), (4, 3))(torch.ones(2, 3), torch.zeros(2, 3)).item() == 3


def test_counts_differ(rejects):
    rejects("as many elements", "layer", _TYPE, (4, 3), (4, 2))
