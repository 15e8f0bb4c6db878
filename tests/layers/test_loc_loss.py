import pytest
import torch


def _layer(param="threshold: 0.5"):
    return f'type: "LocLoss" loc_loss_param {{ {param} }}'


@pytest.mark.parametrize("shape", [(4, 2), (3, 2, 2), (5,)])
def test_values_and_gradient(build, gradcheck, randn, shape):
    layer, x = build(_layer(), shape), randn(*shape)
    values = x.detach().numpy().flatten()
    assert layer(x).item() == pytest.approx(sum(max(abs(v) - 0.5, 0) ** 2 / 2 for v in values) / len(values))
    assert layer.shapes == [()]
    gradcheck(layer, x)


def test_up_to_the_threshold_it_is_free(build):
    x = torch.tensor([0.5, -0.5, 0, 1.5], requires_grad=True)
    loss = build(_layer(), (4,))(x)
    loss.backward()
    assert loss.item() == 0.125
    assert x.grad.tolist() == [0, 0, 0, 0.25]


def test_threshold(rejects):
    rejects("threshold must be given and above 0", "0", _layer("threshold: 0"), (2, 2))
