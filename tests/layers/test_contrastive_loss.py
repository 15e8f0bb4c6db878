import numpy as np
import pytest
import torch


def _layer(param=""):
    return f'type: "ContrastiveLoss" contrastive_loss_param {{ {param} }}'


def _reference(a, b, alike, margin, legacy):
    total = 0.0
    for x, y, same in zip(a, b, alike, strict=True):
        square = ((x - y) ** 2).sum()
        if same:
            total += square
        else:
            total += max(margin - square, 0) if legacy else max(margin - square**0.5, 0) ** 2
    return total / len(a) / 2


@pytest.mark.parametrize(
    ("param", "margin", "legacy"),
    [("", 1, False), ("margin: 3", 3, False), ("margin: 8 legacy_version: true", 8, True)],
)
@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 1, 1)])
def test_values_and_gradient(build, gradcheck, randn, param, margin, legacy, shape):
    layer, a, b = build(_layer(param), shape, shape, (6,)), randn(*shape), randn(*shape)
    alike = np.array([1, 0, 0, 1, 0, 0.5])  # its whole part counts
    expected = _reference(a.detach().numpy(), b.detach().numpy(), np.trunc(alike), margin, legacy)
    assert layer(a, b, torch.tensor(alike)).item() == pytest.approx(expected)
    assert layer.shapes == [()]
    gradcheck(layer, a, b, torch.tensor(alike))


def test_caffe_s_gradient_of_a_pair_that_is_not_alike(build):
    a, b = torch.tensor([[0.01, 0.0]], requires_grad=True), torch.zeros(1, 2, requires_grad=True)
    build(_layer(), (1, 2), (1, 2), (1,))(a, b, torch.zeros(1)).backward()
    expected = -0.99 / 0.0101 * 0.01
    np.testing.assert_allclose(a.grad, [[expected, 0]], rtol=1e-5)
    np.testing.assert_allclose(b.grad, [[-expected, 0]], rtol=1e-5)


def test_a_pair_that_coincides(build):
    a = torch.ones(1, 2, requires_grad=True)
    loss = build(_layer("margin: 2"), (1, 2), (1, 2), (1,))(a, torch.ones(1, 2), torch.zeros(1))
    loss.backward()
    assert loss.item() == 2
    assert a.grad.tolist() == [[0, 0]]


def test_another_batch_than_the_text_s(build):
    layer = build(_layer(), (2, 1), (2, 1), (2,))
    assert layer(torch.ones(4, 1), torch.zeros(4, 1), torch.ones(4)).item() == 0.5


def test_shapes(rejects):
    rejects("the same batch and as many elements", "layer", _layer(), (2, 3), (2, 4), (2,))
    rejects("one number per pair is needed: 2, not 6", '"b2"', _layer(), (2, 3), (2, 3), (2, 3))
