import numpy as np
import pytest
import torch

_TYPE = 'type: "MultinomialLogisticLoss"'


@pytest.mark.parametrize(("shape", "labels"), [((4, 3), (4,)), ((2, 2, 3), (2, 1, 1))])
def test_values_and_gradient(build, gradcheck, rng, shape, labels):
    layer = build(_TYPE, shape, labels)
    p = rng.uniform(0.1, 1, shape)
    classes = p.reshape(shape[0], -1)
    target = rng.integers(classes.shape[1], size=labels)
    expected = -sum(np.log(row[label]) for row, label in zip(classes, target.flatten(), strict=True))
    bottom = torch.tensor(p, requires_grad=True)
    assert layer(bottom, torch.tensor(target, dtype=torch.float32)).item() == pytest.approx(
        expected / shape[0]
    )
    assert layer.shapes == [()]
    gradcheck(layer, bottom, torch.tensor(target, dtype=torch.float64))


def test_small_probabilities_are_limited_in_number_and_gradient(build):
    p = torch.tensor([[0.0, 1.0], [-1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    loss = build(_TYPE, (2, 2), (2,))(p, torch.zeros(2))
    loss.backward()
    assert loss.item() == pytest.approx(-np.log(1e-20))
    np.testing.assert_allclose(p.grad, [[-0.5e20, 0], [-0.5e20, 0]])


def test_another_batch_than_the_text_s(build):
    assert build(_TYPE, (2, 2), (2,))(torch.full((5, 2), 0.5), torch.ones(5)).item() == pytest.approx(
        np.log(2)
    )


@pytest.mark.parametrize("label", [3, -1, -100])
def test_a_label_that_is_no_class(build, label):
    layer = build(_TYPE, (2, 3), (2,))
    with pytest.raises(IndexError):
        layer(torch.ones(2, 3), torch.tensor([0.0, label]))


def test_shapes(rejects):
    rejects("one label per item is needed: 2, not 6", '"b1"', _TYPE, (2, 3, 3), (2, 3))
    rejects("scores must be NxC", '"b0"', _TYPE, (2,), (2,))
