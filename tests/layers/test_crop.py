import numpy as np
import pytest
import torch

from netspec.errors import ShapeError


def _layer(param=""):
    return f'type: "Crop" crop_param {{ {param} }}'


@pytest.mark.parametrize(
    ("param", "reference", "piece"),
    [
        ("", (2, 3, 4, 2), np.s_[:, :, :4, :2]),
        ("offset: 2", (2, 3, 4, 2), np.s_[:, :, 2:6, 2:4]),
        ("offset: 1 offset: 3", (9, 9, 4, 2), np.s_[:, :, 1:5, 3:5]),  # of axes before axis it says nothing
        ("axis: 1 offset: 1 offset: 0 offset: 3", (2, 2, 6, 1), np.s_[:, 1:3, :6, 3:4]),
        ("axis: -1 offset: 4", (1, 1, 1, 1), np.s_[..., 4:5]),
        ("axis: 0", (1, 1, 1, 1), np.s_[:1, :1, :1, :1]),
    ],
)
def test_values_and_gradient(build, gradcheck, randn, param, reference, piece):
    layer, x = build(_layer(param), (2, 3, 6, 5), reference), randn(2, 3, 6, 5)
    other = torch.zeros(reference, dtype=torch.float64)
    expected = x.detach().numpy()[piece]
    np.testing.assert_array_equal(layer(x, other).detach(), expected)
    gradcheck(layer, x, other)
    assert layer.shapes == [expected.shape]


def test_piece_is_beyond_the_bottom(rejects):
    message = "axis 3 has 5 elements, too few for 4 from 2 on"
    rejects(message, "2", _layer("offset: 1 offset: 2"), (2, 3, 6, 5), (2, 3, 4, 4), error=ShapeError)


def test_reference_is_larger(rejects):
    rejects(
        "axis 2 has 6 elements, too few for 7 from 0 on", "crop_param", _layer(), (2, 3, 6, 5), (2, 3, 7, 5)
    )


def test_an_offset_per_axis(rejects):
    message = r"expected one offset, or 2 \(one per axis from axis 2 on\), found 3"
    rejects(message, "0", _layer("offset: 0 offset: 0 offset: 0"), (2, 3, 6, 5), (2, 3, 4, 4))


def test_axis_out_of_range(rejects):
    rejects("there is no axis 4", "4", _layer("axis: 4"), (2, 3, 6, 5), (2, 3, 4, 4), error=ShapeError)


def test_axes_differ(rejects):
    rejects("as many axes", '"b1"', _layer(), (2, 3, 6, 5), (2, 3), error=ShapeError)
