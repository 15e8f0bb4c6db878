"""Every transform, grid and order of SpatialTransformer against a reference in words, and their gradients."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from netspec.layers.transforms import inverse

HEIGHT, WIDTH = 5, 6  # of the image
ROWS, COLUMNS = 3, 4  # of the top
TRANSFORMS = {
    "affine": 6,
    "translation": 2,
    "scale": 1,
    "rotation": 1,
    "rotation+scale": 2,
    "rotation_translation": 3,
    "scale+translation": 3,
    "similarity": 4,
    "attention": 3,
    "projective": 8,
    "tps": 18,
}
CONVENTIONS = [(grid, order) for grid in ("CAFFE", "ALIGNED", "HALF_PIXEL") for order in ("ROW", "COLUMN")]


def text(transform, grid="CAFFE", order="ROW", more=""):
    points = "control_points: 3" if transform == "tps" else ""
    return (
        f'type: "SpatialTransformer" st_param {{ transform_type: "{transform}" grid: {grid} '
        f"order: {order}_FIRST output_H: {ROWS} output_W: {COLUMNS} {points} {more} }}"
    )


def matrix(transform, theta, half_turn):
    """The homography that theta stands for."""
    square = np.eye(3)
    if transform in ("affine", "projective"):
        square.flat[: len(theta)] = theta
        return square
    if transform == "attention":
        scale, first, second = theta
        return np.array([[scale, 0, first], [0, scale, second], [0, 0, 1]])
    values = list(theta)
    names = "rotation+scale+translation" if transform == "similarity" else transform
    turn, zoom, shift = np.eye(3), np.eye(3), np.eye(3)
    if "rotation" in names:
        angle = values.pop(0) * half_turn
        turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    if "scale" in names:
        zoom[:2, :2] *= values.pop(0)
    if "translation" in names:
        shift[:2, 2] = values
    return turn @ zoom @ shift


def bend(theta, point):
    """Where the spline through the moved control points takes a point: solved for each coordinate anew."""
    steps = np.linspace(-1, 1, 3)
    rest = np.array([(a, b) for a in steps for b in steps])

    def radial(square):
        return square * np.log(square) if square > 0 else 0.0

    count = len(rest)
    system = np.zeros((count + 3, count + 3))
    for i in range(count):
        for j in range(count):
            system[i, j] = radial(((rest[i] - rest[j]) ** 2).sum())
        system[i, count:] = system[count:, i] = (1, *rest[i])
    found = []
    for moved in rest.T + theta.reshape(2, count):
        solved = np.linalg.solve(system, [*moved, 0, 0, 0])
        terms = [radial(((point - knot) ** 2).sum()) for knot in rest]
        found.append(solved @ [*terms, 1, *point])
    return np.array(found)


def pixels(size, grid):
    index = np.arange(size)
    return {"CAFFE": 2 * index / size - 1, "ALIGNED": 2 * index / (size - 1) - 1,
            "HALF_PIXEL": (2 * index + 1) / size - 1}[grid]  # fmt: skip


def reference(image, theta, transform, grid, order, half_turn=None):
    """Point by point: a top pixel's coordinates, where theta takes them, and what the image holds there."""
    if half_turn is None:
        half_turn = np.pi if transform == "rotation" else 1
    places = np.empty((len(theta), ROWS, COLUMNS, 2))
    for n, values in enumerate(theta):
        for s, row in enumerate(pixels(ROWS, grid)):
            for t, column in enumerate(pixels(COLUMNS, grid)):
                point = np.array([row, column] if order == "ROW" else [column, row])
                if transform == "tps":
                    # the control points are numbered row by row of the plane, whatever comes first
                    whole = values.reshape(2, 3, 3)
                    moved = bend(whole, point) if order == "ROW" else bend(whole.transpose(0, 2, 1), point)
                else:
                    first, second, depth = matrix(transform, values, half_turn) @ (*point, 1)
                    moved = np.array([first, second]) / depth
                places[n, s, t] = moved[::-1] if order == "ROW" else moved
    if grid == "CAFFE":  # (p + 1) / 2 * size is a pixel's number
        places += 1 / np.array([WIDTH, HEIGHT])
    return F.grid_sample(image, torch.from_numpy(places), align_corners=grid == "ALIGNED")


def draw(transform, randn):
    """A theta not far from the identity: everything that happens happens in the image."""
    count = TRANSFORMS[transform]
    theta = 0.2 * randn(2, count).detach()
    rest = {"affine": [1.0, 0, 0, 0, 1, 0], "projective": [1.0, 0, 0, 0, 1, 0, 0, 0]}.get(transform)
    if rest is not None:
        theta += torch.tensor(rest, dtype=theta.dtype)
    return theta.requires_grad_()


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize(("grid", "order"), CONVENTIONS)
def test_values(build, randn, transform, grid, order):
    layer = build(text(transform, grid, order), (2, 2, HEIGHT, WIDTH), (2, TRANSFORMS[transform]))
    image, theta = randn(2, 2, HEIGHT, WIDTH).detach(), draw(transform, randn)
    expected = reference(image, theta.detach().numpy(), transform, grid, order)
    close = 1e-5 if transform == "tps" else 1e-12  # a spline's weights are kept in float32
    torch.testing.assert_close(layer(image, theta).detach(), expected, atol=close, rtol=0)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("more", ["", "grid: ALIGNED order: COLUMN_FIRST"])
def test_gradients(build, gradcheck, randn, transform, more):
    layer = build(text(transform).replace("grid: CAFFE order: ROW_FIRST", more), (2, 1, 4, 4),
                  (2, TRANSFORMS[transform]))  # fmt: skip
    gradcheck(layer, randn(2, 1, 4, 4), draw(transform, randn))


@pytest.mark.parametrize("sampler", ["bilinear", "bicubic", "nearest"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("grid", ["CAFFE", "ALIGNED", "HALF_PIXEL"])
def test_samplers_and_paddings(build, gradcheck, randn, sampler, padding, grid):
    more = f'sampler_type: "{sampler}" padding: "{padding}"'
    layer = build(text("affine", grid, more=more), (1, 2, HEIGHT, WIDTH), (1, 6))
    image = randn(1, 2, HEIGHT, WIDTH)
    theta = torch.tensor([[1.3, 0.21, 0.4, -0.13, 1.7, -0.2]], dtype=torch.float64, requires_grad=True)
    rows, columns = (pixels(size, grid) for size in (ROWS, COLUMNS))
    base = np.stack([*np.meshgrid(rows, columns, indexing="ij"), np.ones((ROWS, COLUMNS))], -1)
    places = (base @ theta.detach().numpy().reshape(2, 3).T)[..., ::-1]
    places = places + (1 / np.array([WIDTH, HEIGHT]) if grid == "CAFFE" else 0)
    expected = F.grid_sample(image, torch.from_numpy(places)[None], sampler, padding, grid == "ALIGNED")
    torch.testing.assert_close(layer(image, theta), expected)
    gradcheck(layer, image, theta)


def test_a_rotation_alone_is_in_half_turns_and_one_of_several_in_radians(build):
    image = torch.rand(1, 1, 6, 6)

    def run(transform, more, *theta):
        layer = build(
            f'type: "SpatialTransformer" st_param {{ transform_type: "{transform}" {more} }}',
            image.shape,
            (1, len(theta)),
        )
        return layer(image, torch.tensor([theta]))

    quarter = run("rotation", "", 0.5)
    torch.testing.assert_close(quarter, run("rotation", "angle_unit: RADIAN", np.pi / 2))
    torch.testing.assert_close(quarter, run("rotation+scale", "", np.pi / 2, 1.0))
    torch.testing.assert_close(quarter, run("rotation+scale", "angle_unit: HALF_TURN", 0.5, 1.0))
    # The top's row s is the image's column s, its column t the row -t.
    torch.testing.assert_close(quarter[0, 0, :, 1:], image[0, 0].flip(0)[:-1].T, atol=1e-5, rtol=0)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_the_identity_leaves_the_image_as_it_is(build, transform):
    points = "control_points: 3" if transform == "tps" else ""
    param = f'transform_type: "{transform}" {points}'
    layer = build(
        f'type: "SpatialTransformer" st_param {{ {param} }}', (1, 1, 7, 8), (1, TRANSFORMS[transform])
    )
    image, theta = torch.rand(1, 1, 7, 8), torch.tensor([layer.identity()])
    assert theta.shape == (1, TRANSFORMS[transform])
    torch.testing.assert_close(layer(image, theta), image, atol=1e-5, rtol=1e-5)


def test_the_identity_as_far_as_constants_allow(build):
    layer = build(text("similarity", more="scale: 0.5"), (1, 1, 4, 4), (1, 3))
    assert layer.identity() == [0, 0, 0]


@pytest.mark.parametrize("transform", [name for name in TRANSFORMS if name != "tps"])
def test_what_one_does_the_other_undoes(build, randn, transform):
    """A smooth image goes there and back again."""
    count = TRANSFORMS[transform]
    rows, columns = torch.meshgrid(torch.linspace(0, 1, 40), torch.linspace(0, 1, 40), indexing="ij")
    image = (3 * rows + 2 * columns)[None, None].double()
    param = f'transform_type: "{transform}" padding: "border"'
    there, back = (
        build(f'type: "SpatialTransformer" st_param {{ {param} {more} }}', image.shape, (1, count))
        for more in ("", "de_transform: true")
    )
    theta = torch.tensor([there.identity()], dtype=torch.float64) + 0.03 * randn(1, count).detach()
    again = back(there(image, theta), theta)
    torch.testing.assert_close(again[..., 12:28, 12:28], image[..., 12:28, 12:28], atol=0.01, rtol=0)


def test_the_trace_of_points(build, randn):
    """At the pixels, it is where the layer samples."""
    for transform, count in TRANSFORMS.items():
        layer = build(text(transform, "HALF_PIXEL", "COLUMN"), (2, 2, HEIGHT, WIDTH), (2, count)).double()
        theta = draw(transform, randn).detach()
        axes = np.meshgrid(pixels(ROWS, "HALF_PIXEL"), pixels(COLUMNS, "HALF_PIXEL"), indexing="ij")
        points = np.stack([axes[1].ravel(), axes[0].ravel()], 1)
        image = randn(2, 2, HEIGHT, WIDTH).detach()
        grid = layer.trace(theta, points).reshape(2, ROWS, COLUMNS, 2)
        expected = F.grid_sample(image, grid, align_corners=False)
        close = 1e-5 if transform == "tps" else 1e-12
        torch.testing.assert_close(layer(image, theta), expected, atol=close, rtol=0)


@pytest.mark.parametrize(("grid", "order"), CONVENTIONS)
def test_the_share_outside(build, randn, grid, order):
    """What reads nothing where the nearest pixel of a white image in the dark is asked for."""
    image = torch.ones(2, 1, HEIGHT, WIDTH, dtype=torch.float64)
    for transform, count in TRANSFORMS.items():
        layer = build(text(transform, grid, order, 'sampler_type: "nearest"'), image.shape, (2, count))
        layer = layer.double()
        shares = []
        for spread in (0.3, 1, 3):
            theta = torch.tensor(layer.identity(), dtype=torch.float64) + spread * randn(2, count).detach()
            shares.append(float(layer.outside(theta, image.shape)))
            assert shares[-1] == pytest.approx(1 - float(layer(image, theta).mean()), abs=1e-12), transform
        assert max(shares) > 0, transform
        at_rest = torch.tensor([layer.identity()] * 2, dtype=torch.float64)
        assert layer.outside(at_rest, image.shape) == 0, transform


@pytest.mark.parametrize(
    ("transform", "more", "names"),
    [
        ("attention", "", ("scale", "t1", "t2")),
        ("similarity", "scale: 0.5", ("angle", "t1", "t2")),
        ("affine", "theta_1_2: 0 theta_2_1: 0", ("theta_1_1", "theta_1_3", "theta_2_2", "theta_2_3")),
    ],
)
def test_what_the_values_are_called(build, transform, more, names):
    layer = build(text(transform, more=more), (1, 1, 4, 4), (1, len(names)))
    assert layer.theta_names() == names


def test_what_the_values_of_a_spline_are_called(build):
    names = build(text("tps"), (1, 1, 4, 4), (1, 18)).theta_names()
    assert (len(names), names[0], names[-1]) == (18, "t1[0]", "t2[8]")


def test_nothing_of_a_single_aligned_pixel_is_outside(build):
    layer = build(text("translation", "ALIGNED"), (1, 1, 1, 1), (1, 2))
    assert layer.outside(torch.full((1, 2), 7.0), (1, 1, 1, 1)) == 0


def test_what_is_no_number_is_outside(build):
    layer = build(text("affine"), (2, 1, 4, 4), (2, 6))
    theta = torch.tensor([layer.identity(), [float("nan")] * 6])
    assert layer.outside(theta, (2, 1, 4, 4)) == 0.5


def test_a_homography_s_horizon_is_finite(build):
    layer = build(text("projective"), (1, 1, HEIGHT, WIDTH), (1, 8))
    theta = torch.tensor([[1.0, 0, 0, 0, 1, 0, 1, 0]], requires_grad=True)  # depth 0 along the first row
    layer(torch.rand(1, 1, HEIGHT, WIDTH), theta).sum().backward()
    assert theta.grad.isfinite().all()


@pytest.mark.parametrize("rows", [2, 3])
def test_inverses(rows):
    maps = torch.randn(4, rows, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    maps[3, :2] = maps[3, 0]  # cannot be undone
    square = torch.eye(3, dtype=torch.float64).repeat(4, 1, 1)
    square[:, :rows] = maps
    torch.testing.assert_close(inverse(maps)[:3], square[:3].inverse()[:, :rows])
    torch.testing.assert_close(inverse(maps)[3], torch.eye(3, dtype=torch.float64)[:rows])
