import numpy as np
import pytest
import torch

_FILL = 'weight_filler { type: "gaussian" } bias_filler { type: "gaussian" }'


@pytest.mark.parametrize(
    ("param", "axis", "transposed"),
    [("", 1, False), ("axis: 2", 2, False), ("axis: -1 transpose: true", 2, True)],
)
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradient(build, gradcheck, randn, param, axis, transposed, bias):
    text = f"num_output: 5 {param} bias_term: {str(bias).lower()} {_FILL}"
    layer, x = build(f'type: "InnerProduct" inner_product_param {{ {text} }}', (2, 3, 4)), randn(2, 3, 4)
    inputs = x.detach().numpy().reshape(*x.shape[:axis], -1)
    assert tuple(layer.blobs[0].shape) == ((inputs.shape[-1], 5) if transposed else (5, inputs.shape[-1]))
    assert len(layer.blobs) == 1 + bias
    gradcheck(layer, x)
    weight = layer.blobs[0].detach().numpy()
    expected = inputs @ (weight if transposed else weight.T)
    if bias:
        expected = expected + layer.blobs[1].detach().numpy()
    np.testing.assert_allclose(layer(x).detach(), expected, rtol=1e-10)
    assert layer.shapes == [expected.shape]


def test_another_batch_than_the_text_s(build):
    layer = build('type: "InnerProduct" inner_product_param { num_output: 5 }', (2, 3, 4))
    assert layer(torch.ones(7, 3, 4)).shape == (7, 5)


def test_num_output_missing(rejects):
    message = "num_output must be at least 1"
    rejects(message, "inner_product_param", 'type: "InnerProduct" inner_product_param { }', (2, 3))
    rejects(message, "layer", 'type: "InnerProduct"', (2, 3))


def test_num_output_zero(rejects):
    text = 'type: "InnerProduct" inner_product_param { num_output: 0 }'
    rejects("num_output must be at least 1", "0", text, (2, 3))
