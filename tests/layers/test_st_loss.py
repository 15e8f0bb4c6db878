import numpy as np
import pytest
import torch


def _layer(param="output_H: 3 output_W: 4"):
    return f'type: "STLoss" st_loss_param {{ {param} }}'


def _reference(theta, height, width):
    total = 0.0
    for row in theta.reshape(-1, 2, 3):
        for s, t in np.ndindex(height, width):
            for p in row @ (2 * s / height - 1, 2 * t / width - 1, 1):
                total += max(abs(p) - 1, 0) ** 2 / 2
    return total / (theta.size / 6 * height * width)


@pytest.mark.parametrize("shape", [(5, 6), (5, 2, 3)])
def test_values_and_gradient(build, gradcheck, randn, shape):
    layer, theta = build(_layer(), shape), randn(*shape)
    assert layer(theta).item() == pytest.approx(_reference(theta.detach().numpy(), 3, 4))
    assert layer.shapes == [()]
    gradcheck(layer, theta)


def test_inside_of_the_image_it_is_free(build):
    theta = torch.tensor([[1.0, 0, 0, 0, 1, 0], [0.5, 0.2, -0.3, 0.1, 0.5, 0.2]], requires_grad=True)
    loss = build(_layer(), (2, 6))(theta)
    loss.backward()
    assert loss.item() == 0
    assert theta.grad.eq(0).all()


def test_positions_stay_in_float32(build):
    layer, theta = (
        build(_layer("output_H: 64 output_W: 64"), (1, 6)),
        torch.tensor([[1.5, 0, 0.3, 0, 1, 0.1]]),
    )
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(layer(theta), layer(theta.double()).float())
    assert layer(theta.bfloat16()).dtype == torch.float32


def test_another_batch_than_the_text_s(build):
    assert build(_layer(), (2, 6))(torch.zeros(7, 6)).item() == 0


def test_refused(rejects):
    rejects("theta must be Nx6", '"b0"', _layer(), (2, 4))
    rejects("output_W must be given and at least 1", "0", _layer("output_H: 3 output_W: 0"), (2, 6))
