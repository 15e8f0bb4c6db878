import numpy as np
import pytest
import torch


def _sum(a, b, c):
    return a + b + c


@pytest.mark.parametrize(
    ("param", "reference"),
    [
        ("", _sum),
        ("operation: SUM coeff: 1 coeff: -2 coeff: 0.5", lambda a, b, c: a - 2 * b + 0.5 * c),
        ("operation: PROD", lambda a, b, c: a * b * c),
        ("operation: MAX", lambda a, b, c: np.maximum(np.maximum(a, b), c)),
    ],
)
def test_values_and_gradient(build, gradcheck, randn, param, reference):
    layer = build(f'type: "Eltwise" eltwise_param {{ {param} }}', *[(2, 3)] * 3)
    bottoms = [randn(2, 3) for _ in range(3)]
    expected = reference(*(bottom.detach().numpy() for bottom in bottoms))
    np.testing.assert_allclose(layer(*bottoms).detach(), expected)
    gradcheck(layer, *bottoms)


def test_among_equals_one_bottom_takes_the_gradient(build):
    layer = build('type: "Eltwise" eltwise_param { operation: MAX }', (2,), (2,), (2,))
    bottoms = [torch.ones(2, requires_grad=True) for _ in range(3)]
    layer(*bottoms).sum().backward()
    assert [bottom.grad.tolist() for bottom in bottoms] == [[0, 0], [1, 1], [0, 0]]


@pytest.mark.parametrize("stable", ["true", "false"])
def test_a_product_has_its_gradient_at_zeros_too(build, stable):
    text = f'type: "Eltwise" eltwise_param {{ operation: PROD stable_prod_grad: {stable} }}'
    a, b = torch.tensor([0.0, 2], requires_grad=True), torch.tensor([3.0, 0], requires_grad=True)
    build(text, (2,), (2,))(a, b).sum().backward()
    assert (a.grad.tolist(), b.grad.tolist()) == ([3, 0], [0, 2])


def test_shapes_differ(rejects):
    message = r"layer 'l' \(Eltwise\) on b0 2x3, b1 2x4: all bottoms must have the same shape"
    rejects(message, '"b1"', 'type: "Eltwise"', (2, 3), (2, 4))


def test_coeff_per_bottom(rejects):
    rejects(
        r"one coeff per bottom \(2\), found 1", "3", 'type: "Eltwise" eltwise_param { coeff: 3 }', (2,), (2,)
    )


def test_coeff_is_for_sums(rejects):
    text = 'type: "Eltwise" eltwise_param { operation: PROD coeff: 3 coeff: 4 }'
    rejects("SUM only", "3", text, (2,), (2,))


def test_coeff_beside_max_has_no_effect(build):
    layer = build('type: "Eltwise" eltwise_param { operation: MAX coeff: 3 coeff: 4 }', (2,), (2,))
    assert layer(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 3.0])).tolist() == [2, 5]


def test_one_bottom_is_too_few(rejects):
    rejects("takes at least 2 bottoms, not 1", "layer", 'type: "Eltwise"', (2,))
