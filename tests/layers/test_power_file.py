import numpy as np
import pytest
import torch


def _layer(param=""):
    return f'type: "PowerFile" power_file_param {{ {param} }}'


@pytest.mark.parametrize(
    ("text", "shift"),
    [
        ("1 -2.5\n3e-1\t4 5 6", [1, -2.5, 0.3, 4, 5, 6]),
        ("1 2 3 4 5 6 7 8", [1, 2, 3, 4, 5, 6]),
        ("1 2", [1, 2, 0, 0, 0, 0]),
        ("", [0] * 6),
    ],
)
def test_values_and_gradient(build, gradcheck, randn, tmp_path, text, shift):
    path = tmp_path / "shift.txt"
    path.write_text(text)
    layer, x = build(_layer(f'shift_file: "{path}"'), (4, 2, 3)), randn(4, 2, 3)
    expected = x.detach().numpy() + np.reshape(shift, (2, 3))
    np.testing.assert_allclose(layer(x).detach(), expected, atol=1e-7)
    assert layer.shapes == [(4, 2, 3)]
    assert layer.blobs == []
    gradcheck(layer, x)


@pytest.mark.parametrize("param", ["", 'shift_file: "gone.txt"'])
def test_without_a_file_it_is_the_identity(build, param):
    x = torch.randn(3, 2)
    assert build(_layer(param), (3, 2))(x).equal(x)


def test_another_batch_and_type_than_the_text_s(build):
    y = build(_layer(), (2, 3))(torch.ones(5, 3).bfloat16())
    assert y.shape == (5, 3)
    assert y.dtype == torch.bfloat16


def test_refused(rejects, tmp_path):
    rejects("must have an axis of items", '"b0"', _layer(), ())
    path = tmp_path / "shift.txt"
    path.write_text("1 two 3")
    rejects("shift_file: expected a number, found 'two'", "two", _layer(f'shift_file: "{path}"'), (2, 3))
