import itertools

import pytest
import torch
from torch.nn import functional as F

from netspec.stn import CONVENTIONS, Plane, convert_theta

SIZES = {"input_size": (9, 14), "output_size": (5, 7)}


@pytest.fixture
def theta():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, 6, dtype=torch.float64, generator=generator)


def places(theta, convention):
    """The input pixels, (N, H', W', 2) as row and column, that a theta samples; pixel by pixel, in words."""
    (height, width), (rows, columns) = SIZES["input_size"], SIZES["output_size"]
    plane = CONVENTIONS[convention]

    def coordinate(index, size):
        return {
            "CAFFE": 2 * index / size - 1,
            "ALIGNED": 2 * index / (size - 1) - 1,
            "HALF_PIXEL": (2 * index + 1) / size - 1,
        }[plane.grid]

    def pixel(value, size):
        return {
            "CAFFE": (value + 1) / 2 * size,
            "ALIGNED": (value + 1) / 2 * (size - 1),
            "HALF_PIXEL": ((value + 1) * size - 1) / 2,
        }[plane.grid]

    found = torch.empty(len(theta), rows, columns, 2, dtype=theta.dtype)
    for n, s, t in itertools.product(range(len(theta)), range(rows), range(columns)):
        point = [coordinate(s, rows), coordinate(t, columns)]
        if not plane.row_first:
            point.reverse()
        first, second = (theta[n].reshape(2, 3) @ torch.tensor([*point, 1], dtype=theta.dtype)).tolist()
        row, column = (first, second) if plane.row_first else (second, first)
        found[n, s, t] = torch.tensor([pixel(row, height), pixel(column, width)])
    return found


@pytest.mark.parametrize(("source", "target"), [*itertools.product(CONVENTIONS, CONVENTIONS)])
def test_the_same_pixels_and_back_again(theta, source, target):
    converted = convert_theta(theta, source, target, **SIZES)
    torch.testing.assert_close(places(converted, target), places(theta, source))
    torch.testing.assert_close(convert_theta(converted, target, source, **SIZES), theta)


@pytest.mark.parametrize(("target", "aligned"), [("pytorch", False), ("pytorch_aligned", True)])
def test_against_affine_grid(theta, target, aligned):
    converted = convert_theta(theta, "caffe", target, **SIZES).reshape(-1, 2, 3)
    grid = F.affine_grid(converted, [3, 1, *SIZES["output_size"]], align_corners=aligned)
    size = torch.tensor(SIZES["input_size"][::-1])
    columns_first = (grid + 1) / 2 * (size - 1) if aligned else ((grid + 1) * size - 1) / 2
    torch.testing.assert_close(columns_first.flip(3), places(theta, "caffe"))


def test_the_layer_means_the_same(theta):
    import netspec
    from netspec.schema.document import Document
    from netspec.schema.messages import NetParameter

    image = torch.rand(3, 1, *SIZES["input_size"])
    tops = []
    for name, plane in CONVENTIONS.items():
        order = "ROW_FIRST" if plane.row_first else "COLUMN_FIRST"
        message = NetParameter()
        message.layer.add(name="in", type="Input", top=["x", "theta"]).input_param.shape.add(dim=image.shape)
        message.layer[0].input_param.shape.add(dim=[3, 6])
        layer = message.layer.add(name="st", type="SpatialTransformer", bottom=["x", "theta"], top=["y"])
        layer.st_param.output_H, layer.st_param.output_W = SIZES["output_size"]
        layer.st_param.grid = layer.st_param.Grid.Value(plane.grid)
        layer.st_param.order = layer.st_param.Order.Value(order)
        net = netspec.compile_net(Document.from_message(message))
        tops.append(net(x=image, theta=convert_theta(theta, "caffe", name, **SIZES))["y"])
    for top in tops[1:]:
        torch.testing.assert_close(top, tops[0], atol=1e-5, rtol=1e-5)


def test_shape_and_type_stay():
    theta = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])
    assert convert_theta(theta, "caffe", "torch", input_size=(4, 4)).shape == (1, 2, 3)
    half = convert_theta(theta.flatten().half(), "caffe", "torch", input_size=(4, 4))
    assert (half.shape, half.dtype) == ((6,), torch.float16)


def test_without_an_output_size_it_is_the_input_s(theta):
    given = convert_theta(theta, "caffe", "torch", input_size=(4, 6), output_size=(4, 6))
    torch.testing.assert_close(convert_theta(theta, "caffe", "torch", input_size=(4, 6)), given)


def test_gradients_go_through(theta):
    theta.requires_grad_()
    assert torch.autograd.gradcheck(lambda t: convert_theta(t, "caffe", "lasagne", **SIZES), theta)


@pytest.mark.parametrize(
    ("message", "shape", "source", "size"),
    [
        (r"not \(2, 5\)", (2, 5), "caffe", (4, 4)),
        ("expected a convention", (2, 6), "tensorflow", (4, 4)),
        ("at least 1, not 0", (2, 6), "caffe", (0, 4)),
        ("at least 2 with aligned corners", (2, 6), Plane("ALIGNED"), (4, 1)),
    ],
)
def test_refused(message, shape, source, size):
    with pytest.raises(ValueError, match=message):
        convert_theta(torch.zeros(shape), source, "pytorch", input_size=size)
