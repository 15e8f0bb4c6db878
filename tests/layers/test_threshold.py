import pytest
import torch


@pytest.mark.parametrize(("param", "expected"), [("", [0, 0, 1, 1]), ("threshold: 0.5", [0, 0, 0, 1])])
def test_values_without_gradient(build, param, expected):
    layer = build(f'type: "Threshold" threshold_param {{ {param} }}', (4,))
    y = layer(torch.tensor([-1, 0, 0.5, 2], dtype=torch.float64, requires_grad=True))
    assert (y.tolist(), y.dtype, y.requires_grad) == (expected, torch.float64, False)
