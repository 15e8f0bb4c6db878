import numpy as np
import pytest
import torch

from netspec.errors import ParseError


def test_values_and_gradient(build, gradcheck, randn):
    layer, x = build('type: "Clip" clip_param { min: -0.5 max: 0.75 }', (4, 5)), randn(4, 5)
    np.testing.assert_allclose(layer(x).detach(), np.minimum(np.maximum(x.detach().numpy(), -0.5), 0.75))
    gradcheck(layer, x)


def test_the_ends_pass_the_gradient_on(build):
    x = torch.tensor([-2.0, -1, 0, 1, 2], requires_grad=True)
    build('type: "Clip" clip_param { min: -1 max: 1 }', (5,))(x).sum().backward()
    assert x.grad.tolist() == [0, 1, 1, 1, 0]


def test_min_above_max(rejects):
    rejects("min 2 is above max 1", "2", 'type: "Clip" clip_param { min: 2 max: 1 }', (3,))


def test_both_ends_are_needed(build):
    with pytest.raises(ParseError, match="max"):
        build('type: "Clip" clip_param { min: 2 }', (3,))
