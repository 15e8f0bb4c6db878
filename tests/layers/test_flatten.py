import numpy as np
import pytest
import torch


@pytest.mark.parametrize(
    ("param", "shape"),
    [
        ("", (2, 60)),
        ("axis: 2", (2, 3, 20)),
        ("end_axis: 2", (2, 12, 5)),
        ("axis: 0 end_axis: -3", (6, 4, 5)),
    ],
)
def test_shape_values_and_gradient(build, gradcheck, randn, param, shape):
    layer, x = build(f'type: "Flatten" flatten_param {{ {param} }}', (2, 3, 4, 5)), randn(2, 3, 4, 5)
    assert layer.shapes == [shape]
    np.testing.assert_array_equal(layer(x).detach(), x.detach().numpy().reshape(shape))
    gradcheck(layer, x)


def test_another_batch_than_the_text_s(build):
    assert build('type: "Flatten"', (2, 3, 4))(torch.ones(7, 3, 4)).shape == (7, 12)


def test_no_such_axis(rejects):
    rejects("axis 4 of a blob with 4 axes", "4", 'type: "Flatten" flatten_param { axis: 4 }', (2, 3, 4, 5))


def test_end_before_start(rejects):
    text = 'type: "Flatten" flatten_param { axis: 2 end_axis: 1 }'
    rejects("end_axis 1 lies before axis 2", "1", text, (2, 3, 4))
