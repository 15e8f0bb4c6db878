import pytest
import torch


def _layer(param=""):
    return f'type: "HingeLoss" hinge_loss_param {{ {param} }}'


def _reference(x, labels, power):
    total = 0.0
    for row, label in zip(x.reshape(len(x), -1), labels, strict=True):
        for k, score in enumerate(row):
            total += max(0, 1 - (1 if k == label else -1) * score) ** power
    return total / len(x)


@pytest.mark.parametrize(("param", "power"), [("", 1), ("norm: L1", 1), ("norm: L2", 2)])
@pytest.mark.parametrize("shape", [(5, 4), (3, 2, 2)])
def test_values_and_gradient(build, gradcheck, randn, rng, param, power, shape):
    layer, x = build(_layer(param), shape, (shape[0],)), randn(*shape)
    labels = rng.integers(4, size=shape[0])
    loss = layer(x, torch.tensor(labels, dtype=torch.float32))
    assert loss.item() == pytest.approx(_reference(x.detach().numpy(), labels, power))
    assert layer.shapes == [()]
    gradcheck(layer, x, torch.tensor(labels, dtype=torch.float64))


def test_on_the_margin_there_is_no_gradient(build):
    x = torch.tensor([[1.0, -1.0]], requires_grad=True)
    build(_layer(), (1, 2), (1,))(x, torch.zeros(1)).backward()
    assert x.grad.tolist() == [[0, 0]]


def test_another_batch_than_the_text_s(build):
    layer = build(_layer(), (2, 3), (2,))
    assert layer(torch.zeros(7, 3), torch.zeros(7)).item() == pytest.approx(3)


@pytest.mark.parametrize("label", [3, -1, -100])
def test_a_label_that_is_no_class(build, label):
    layer = build(_layer(), (2, 3), (2,))
    with pytest.raises(IndexError):
        layer(torch.ones(2, 3), torch.tensor([0.0, label]))


def test_label_count(rejects):
    rejects("one label per item is needed: 2, not 1", '"b1"', _layer(), (2, 3), (1,))
