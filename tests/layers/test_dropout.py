import pytest
import torch


def test_training_zeroes_a_share_and_scales_the_rest(build):
    layer = build('type: "Dropout" dropout_param { dropout_ratio: 0.25 }', (200, 100), training=True)
    torch.manual_seed(0)
    y = layer(torch.ones(200, 100))
    assert y.unique().tolist() == [0, pytest.approx(4 / 3)]
    assert (y == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)


def test_gradient_passes_where_the_value_does(build):
    layer = build('type: "Dropout"', (50,), training=True)
    x = torch.ones(50, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    assert torch.equal(x.grad, y.detach())


def test_test_phase_is_the_identity(build, gradcheck, randn):
    layer, x = build('type: "Dropout"', (4, 5)), randn(4, 5)
    assert torch.equal(layer(x), x)
    gradcheck(layer, x)


def test_scaled_in_test_instead_of_training(build, gradcheck, randn):
    text = 'type: "Dropout" dropout_param { dropout_ratio: 0.25 scale_train: false }'
    y = build(text, (200, 100), training=True)(torch.ones(200, 100))
    assert y.unique().tolist() == [0, 1]
    layer, x = build(text, (4, 5)), randn(4, 5)
    assert torch.allclose(layer(x), 0.75 * x)
    gradcheck(layer, x)


@pytest.mark.parametrize("ratio", ["1", "-0.5"])
def test_ratio_out_of_range(rejects, ratio):
    rejects(
        "0 <= dropout_ratio < 1", ratio, f'type: "Dropout" dropout_param {{ dropout_ratio: {ratio} }}', (2,)
    )
