import numpy as np
import pytest
import torch

from netspec.errors import ShapeError


def _layer(param=""):
    return f'type: "SpatialTransformer" st_param {{ {param} }}'


def _reference(image, theta, height, width):
    """Bilinear sampling in the fork's convention, pixel by pixel."""
    h, w = image.shape[2:]
    y = np.zeros((*image.shape[:2], height, width))
    for n, s, t in np.ndindex(len(image), height, width):
        row, column = theta[n].reshape(2, 3) @ (2 * s / height - 1, 2 * t / width - 1, 1)
        row, column = (row + 1) / 2 * h, (column + 1) / 2 * w
        for a in (int(np.floor(row)), int(np.floor(row)) + 1):
            for b in (int(np.floor(column)), int(np.floor(column)) + 1):
                if 0 <= a < h and 0 <= b < w:
                    weight = (1 - abs(row - a)) * (1 - abs(column - b))
                    y[n, :, s, t] += weight * image[n, :, a, b]
    return y


@pytest.mark.parametrize(
    ("param", "size"), [("", (5, 6)), ("output_H: 3 output_W: 4", (3, 4)), ("output_W: 7", (5, 7))]
)
def test_values_and_gradient(build, gradcheck, randn, param, size):
    layer = build(_layer(param), (2, 3, 5, 6), (2, 6))
    image, theta = randn(2, 3, 5, 6), randn(2, 6)
    expected = _reference(image.detach().numpy(), theta.detach().numpy(), *size)
    np.testing.assert_allclose(layer(image, theta).detach(), expected, atol=1e-12)
    assert layer.shapes == [expected.shape]
    gradcheck(layer, image, theta)


def test_fixed_entries(build, gradcheck, randn):
    layer = build(_layer("theta_1_1: 0.3 theta_1_2: 0 theta_2_1: -0.1 theta_2_2: 0.7"), (2, 1, 5, 5), (2, 2))
    image, shift = randn(2, 1, 5, 5), randn(2, 2)
    a, b = shift.detach().numpy().T
    ones = np.ones(2)
    theta = np.stack([0.3 * ones, 0 * ones, a, -0.1 * ones, 0.7 * ones, b], 1)
    expected = _reference(image.detach().numpy(), theta, 5, 5)
    np.testing.assert_allclose(layer(image, shift).detach(), expected, atol=1e-12)
    gradcheck(layer, image, shift)


def test_the_identity_gives_the_image(build):
    layer, image = build(_layer(), (1, 2, 28, 28), (1, 6)), torch.linspace(0, 1, 1568).reshape(1, 2, 28, 28)
    theta = torch.tensor([[1.0, 0, 0, 0, 1, 0]])
    torch.testing.assert_close(layer(image, theta), image, atol=1e-5, rtol=0)


def test_without_gradient_to_the_image(build, gradcheck, randn):
    layer = build(_layer("to_compute_dU: false"), (2, 1, 4, 4), (2, 6))
    image, theta = randn(2, 1, 4, 4), randn(2, 6)
    layer(image, theta).sum().backward()
    assert image.grad is None
    assert theta.grad.abs().sum() > 0
    gradcheck(layer, image.detach(), theta)


def test_positions_stay_in_float32_under_autocast(build):
    layer = build(_layer(), (1, 1, 64, 64), (1, 6))
    image, theta = torch.randn(1, 1, 64, 64), torch.tensor([[1.0, 0, 0.3, 0, 1, 0.1]])
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(image, theta)
    torch.testing.assert_close(y, layer(image, theta))


def test_half_precision_images(build):
    layer = build(_layer(), (1, 1, 8, 8), (1, 6))
    image, theta = torch.randn(1, 1, 8, 8).bfloat16(), torch.tensor([[1.0, 0, 0.3, 0, 1, 0.1]]).bfloat16()
    y = layer(image, theta)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y, layer(image.float(), theta.float()).bfloat16())


def test_another_batch_than_the_text_s(build):
    assert build(_layer(), (2, 1, 8, 8), (2, 6))(torch.ones(5, 1, 8, 8), torch.ones(5, 6)).shape == (
        5,
        1,
        8,
        8,
    )


def test_theta_count(rejects):
    message = (
        r"st_param fixes 2 \(theta_1_1, theta_2_3\), so that the theta bottom must bring 4 per item, not 6"
    )
    rejects(message, '"b1"', _layer("theta_1_1: 1 theta_2_3: 0"), (2, 1, 4, 4), (2, 6), error=ShapeError)
    rejects(
        "st_param fixes none, so that the theta bottom must bring 6", '"b1"', _layer(), (2, 1, 4, 4), (2, 2)
    )


@pytest.mark.parametrize(
    ("message", "marked", "param"),
    [
        ("transform_type 'shear' is not supported", '"shear"', 'transform_type: "shear"'),
        (r"'scale\+scale' is not supported", '"scale+scale"', 'transform_type: "scale+scale"'),
        ("sampler_type 'cubic' is not supported", '"cubic"', 'sampler_type: "cubic"'),
        ("padding 'wrap' is not supported", '"wrap"', 'padding: "wrap"'),
        ("control_points must be at least 2, not 1", "1", 'transform_type: "tps" control_points: 1'),
        ("de_transform does not go with", "true", 'transform_type: "tps" de_transform: true'),
        ("'angle' is no value of transform_type 'affine'", "0.5", "angle: 0.5"),
        ("'theta_3_1' is no value of transform_type 'affine'", "0.5", "theta_3_1: 0.5"),
        ("'scale' is no value of transform_type 'tps'", "2", 'transform_type: "tps" scale: 2'),
        ("output_H must be at least 1, not 0", "0", "output_H: 0"),
    ],
)
def test_refused(rejects, message, marked, param):
    rejects(message, marked, _layer(param), (2, 1, 4, 4), (2, 6))


@pytest.mark.parametrize(
    ("param", "count", "fixed", "free"),
    [
        ('transform_type: "translation"', 2, "st_param fixes none", 2),
        ('transform_type: "rotation"', 1, "st_param fixes none", 1),
        ('transform_type: "similarity" scale: 0.5', 4, r"st_param fixes 1 \(scale\)", 3),
        ('transform_type: "attention" t1: 0 t2: 0', 3, r"st_param fixes 2 \(t1, t2\)", 1),
        ('transform_type: "projective"', 8, "st_param fixes none", 8),
        ('transform_type: "tps" control_points: 3', 18, "st_param fixes none", 18),
    ],
)
def test_theta_count_of_other_transforms(rejects, param, count, fixed, free):
    message = f"has {count} entries: {fixed}, so that the theta bottom must bring {free} per item, not 7"
    rejects(message, '"b1"', _layer(param), (2, 1, 4, 4), (2, 7), error=ShapeError)


def test_shapes(rejects):
    rejects("first bottom must be NxCxHxW", '"b0"', _layer(), (2, 16), (2, 6))
    rejects("as many items as the images", '"b1"', _layer(), (2, 1, 4, 4), (3, 6))


def _other(param=""):
    return f'type: "SpatialTransformer" spatial_transformer_param {{ {param} }}'


@pytest.mark.parametrize(
    ("other", "param"),
    [
        ("", ""),
        ('transformer_type: "affine" sampler_type: "bilinear" theta_num: 6', ""),
        ("top_height: 3 top_width: 4", "output_H: 3 output_W: 4"),
        ("top_height: -1 top_width: 7", "output_W: 7"),
        ('transform_type: "affine" first_bottom_diff: false', "to_compute_dU: false"),
    ],
)
def test_another_fork_s_names_mean_the_same(build, other, param):
    image = torch.randn(2, 1, 5, 6, requires_grad=True)
    theta = torch.tensor([1.2, 0.1, 0, -0.3, 0.7, 0.2]).repeat(2, 1).requires_grad_()
    results = []
    for text in (_other(other), _layer(param)):
        y = build(text, (2, 1, 5, 6), (2, 6))(image, theta)
        grads = torch.autograd.grad(y.square().sum(), (image, theta), allow_unused=True)
        results.append((y, *grads))
    for found, expected in zip(*results, strict=True):
        assert found is expected is None or found.equal(expected)


def test_another_fork_s_type(build):
    image, theta = torch.randn(1, 1, 5, 6), torch.tensor([[1.2, 0.1, 0, -0.3, 0.7, 0.2]])
    same = (
        build(f'type: "{name}" st_param {{ output_H: 3 }}', (1, 1, 5, 6), (1, 6))
        for name in ("ST", "SpatialTransformer")
    )
    assert torch.equal(*(layer(image, theta) for layer in same))


def test_refused_by_another_fork_s_names(rejects):
    shapes = (2, 1, 4, 4), (2, 6)
    rejects("transformer_type 'tps' is not supported", '"tps"', _other('transformer_type: "tps"'), *shapes)
    rejects("top_height must be at least 1, not 0", "0", _other("top_height: 0"), *shapes)
    rejects("theta_num must be 6, not 4", "4", _other("theta_num: 4"), *shapes)
    rejects("output_H must be at least 1, not -1", "-1", _layer("output_H: -1"), *shapes)


def test_both_forks_names_at_once(rejects):
    text = f"{_layer()} spatial_transformer_param {{ top_height: 3 }}"
    message = "takes st_param or spatial_transformer_param, not both"
    rejects(message, "spatial_transformer_param", text, (2, 1, 4, 4), (2, 6))


def test_the_inverse_transform(build, gradcheck, randn):
    layer = build(_layer("de_transform: true output_H: 3 output_W: 4"), (2, 2, 5, 6), (2, 6))
    image, theta = randn(2, 2, 5, 6), randn(2, 6)
    square = np.zeros((2, 3, 3))
    square[:, :2], square[:, 2, 2] = theta.detach().numpy().reshape(2, 2, 3), 1
    inverse = np.linalg.inv(square)[:, :2].reshape(2, 6)
    expected = _reference(image.detach().numpy(), inverse, 3, 4)
    np.testing.assert_allclose(layer(image, theta).detach(), expected, atol=1e-12)
    gradcheck(layer, image, theta)


def test_the_inverse_of_fixed_entries(build):
    image, shift = torch.randn(1, 1, 8, 8), torch.tensor([[0.25, -0.5]])
    fixed = "theta_1_1: 0.5 theta_1_2: 0 theta_2_1: 0 theta_2_2: 0.5"
    whole = build(_layer(), (1, 1, 8, 8), (1, 6))
    inverse = build(_layer(f"de_transform: true {fixed}"), (1, 1, 8, 8), (1, 2))
    expected = whole(image, torch.tensor([[2.0, 0, -0.5, 0, 2, 1]]))
    torch.testing.assert_close(inverse(image, shift), expected)


def test_what_cannot_be_undone_is_left_alone(build):
    layer = build(_layer("de_transform: true"), (2, 1, 4, 4), (2, 6))
    image = torch.randn(2, 1, 4, 4)
    theta = torch.tensor([[1.0, 2, 0.5, 2, 4, 0], [1, 0, 0, 0, 1, 0]], requires_grad=True)
    y = layer(image, theta)
    y.square().sum().backward()
    torch.testing.assert_close(y.detach(), image)
    assert theta.grad[0].eq(0).all()
    assert theta.grad.isfinite().all()
    assert theta.grad[1].ne(0).any()
