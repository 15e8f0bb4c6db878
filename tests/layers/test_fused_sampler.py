"""The kernels run on CUDA, or on the CPU in Triton's interpreter, as one test runs all the others."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from netspec.layers import fused_sampler
from netspec.layers.fused_sampler import can_fuse, sample_affine
from netspec.layers.sampling import Plane, positions, sample

TRITON = importlib.util.find_spec("triton") is not None
INTERPRETED = TRITON and os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
GRIDS = ("CAFFE", "ALIGNED", "HALF_PIXEL")
runs = pytest.mark.skipif(
    not (INTERPRETED or (TRITON and torch.cuda.is_available())),
    reason="needs a CUDA device and Triton; with Triton alone, its interpreter runs this on the CPU",
)
pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # the interpreter divides by zero with NumPy
    pytest.mark.filterwarnings(
        "ignore:TRITON_DEFAULT_FP_FUSION:UserWarning"
    ),  # Triton 3.9, of its next default
]


@pytest.fixture
def randn():
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(*shape, generator=generator).to(DEVICE)


@pytest.fixture
def maps(randn):
    """Away from whole pixels, where the gradient to the maps jumps."""
    base = torch.tensor([[0.1132, 0.9137, 0.0417], [1.0921, -0.1309, -0.0313]], device=DEVICE)
    return lambda count, spread=0.3: base + spread * randn(count, 2, 3)


def in_steps(image, maps, size, plane):
    """The same without the kernel."""
    height, width = image.shape[2:]
    offset = maps.new_tensor([plane.offset(width), plane.offset(height)])
    rows, columns = (plane.coordinates(axis, maps) for axis in size)
    return sample(image, positions(maps, rows, columns, offset), aligned=plane.aligned)


def check(image, maps, size, plane=None, *, close=2e-5):
    """Values and both gradients against float64 in steps, relative to the largest."""
    plane = plane or Plane()
    exact = [each.detach().cpu().double().requires_grad_() for each in (image, maps)]
    found = [each.detach().requires_grad_() for each in (image, maps)]
    expected, top = in_steps(*exact, size, plane), sample_affine(*found, size, plane)
    assert top.dtype == image.dtype
    above = torch.linspace(-1, 1, top.numel()).sin().view(top.shape).to(top)
    gradients = torch.autograd.grad(expected, exact, above.cpu().double())
    pairs = zip((top, *torch.autograd.grad(top, found, above)), (expected, *gradients), strict=True)
    for ours, reference in pairs:
        error = (ours.detach().cpu().double() - reference).abs().max()
        assert error <= close * reference.abs().max()
    return top


@runs
@pytest.mark.parametrize(
    ("grid", "shape", "size"),
    [
        ("CAFFE", (2, 3, 5, 7), (4, 6)),
        ("ALIGNED", (2, 3, 5, 7), (4, 6)),
        ("HALF_PIXEL", (2, 3, 5, 7), (4, 6)),
        ("CAFFE", (1, 1, 28, 28), (28, 28)),
        ("CAFFE", (2, 5, 9, 4), (17, 1)),
        ("ALIGNED", (2, 5, 9, 4), (17, 1)),
        ("HALF_PIXEL", (1, 20, 1, 6), (3, 40)),
        ("ALIGNED", (3, 2, 1, 1), (2, 2)),
        ("CAFFE", (1, 17, 3, 4), (2, 3)),
        ("CAFFE", (1, 66, 3, 2), (2, 3)),
    ],
)
def test_values_and_gradients(randn, maps, grid, shape, size):
    check(randn(*shape), maps(shape[0]), size, Plane(grid))


@runs
@pytest.mark.parametrize(
    "scale",
    [
        [[0.0, 0.03, 0.1], [0.04, 0.01, 0.0]],  # many pixels of the top on one of the image
        [[3.0, 8.0, 0.3], [-7.0, 2.0, 0.1]],  # few
        [[1.0, 0.5, 0.1], [2.0, 1.0, 0.2]],  # all on a line
        [[1.0, 0.5, 0.1], [2.0, 1.0 + 1e-6, 0.2]],  # nearly so
        [[0.0, 0.0, 0.111], [0.0, 0.0, -0.123]],  # on a point
        [[0.9, 0.0, 0.07], [0.0, 0.0, 0.013]],
        [[0.0, 0.0, 0.07], [0.0, 0.9, 0.013]],
        [[0.0, 1e-30, 0.07], [1e-30, 0.0, 0.013]],
        [[0.1, 0.9, 9.0], [1.1, -0.1, 0.0]],  # all outside
        [[0.1, 0.9, 1e9], [1.1, -0.1, -1e30]],
    ],
)
def test_maps_of_all_kinds(randn, scale):
    maps = torch.tensor([scale], device=DEVICE)
    check(randn(1, 2, 9, 11), maps, (10, 8), Plane("HALF_PIXEL"), close=1e-4)


@runs
def test_the_identity_reads_whole_pixels(randn):
    image = randn(1, 2, 28, 19)
    for grid in GRIDS:
        maps = Plane(grid).canonical(torch.eye(3, device=DEVICE)[None, :2])
        assert sample_affine(image, maps, (28, 19), Plane(grid)).equal(image)


@runs
@pytest.mark.parametrize("channels", [1, 3, 20, 64, 70])
def test_channels_last(randn, maps, channels):
    image = randn(2, channels, 5, 6).contiguous(memory_format=torch.channels_last).requires_grad_()
    top = check(image, maps(2), (4, 7))
    if channels > 1:
        assert top.is_contiguous(memory_format=torch.channels_last)
        sample_affine(image, maps(2), (4, 7), Plane()).sum().backward()
        assert image.grad.is_contiguous(memory_format=torch.channels_last)


@runs
def test_strides(randn, maps):
    image = randn(2, 6, 12, 10)[:, ::2, 1::2].transpose(2, 3)
    given = randn(2, 3, 2).transpose(1, 2) * 0.1 + maps(2)
    for each in (image, randn(1, 3, 1, 9).expand(2, 3, 8, 9), image[:, :1].expand(2, 4, 10, 6)):
        top = check(each, given.transpose(1, 2).contiguous().transpose(1, 2), (5, 6))
        assert top.is_contiguous()
    leaf = image.detach().requires_grad_()
    sample_affine(leaf, given, (5, 6), Plane()).sum().backward()  # whose gradient has no strides
    expected = image.detach().requires_grad_()
    in_steps(expected, given, (5, 6), Plane()).sum().backward()
    torch.testing.assert_close(leaf.grad, expected.grad)


@runs
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("form", [torch.contiguous_format, torch.channels_last])
def test_half_precision(randn, maps, dtype, form):
    check(randn(2, 8, 9, 7).to(dtype).contiguous(memory_format=form), maps(2), (7, 9), close=1e-2)


@runs
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e38])
@pytest.mark.parametrize("entry", [0, 2, 4, 5])
def test_what_is_no_number_reads_nothing(randn, maps, value, entry):
    """And what it leads to has no gradient, in its item alone."""
    image, given = randn(2, 2, 5, 6).requires_grad_(), maps(2)
    given[0].view(-1)[entry] = value
    given.requires_grad_()
    top = sample_affine(image, given, (4, 6), Plane())
    top.square().sum().backward()
    alone, one = image.detach()[1:].requires_grad_(), given.detach()[1:].requires_grad_()
    sample_affine(alone, one, (4, 6), Plane()).square().sum().backward()
    assert image.grad[1].equal(alone.grad[0])
    assert given.grad[1].equal(one.grad[0])
    assert top.isfinite().all()
    assert image.grad.isfinite().all()
    if entry in (2, 5):
        assert top[0].eq(0).all()
        assert image.grad[0].eq(0).all()
        assert given.grad[0].eq(0).all()


@runs
def test_pixels_outside_do_not_leak(randn):
    """A neighbouring item, or whatever lies behind the image in memory, is never read."""
    whole = torch.full((3, 2, 5, 6), float("nan"), device=DEVICE)
    whole[1] = randn(2, 5, 6)
    image = whole[1:2]
    for shift in (-2.03, -0.31, 0.29, 1.97):
        maps = torch.tensor([[[0.1, 1.3, shift], [1.2, -0.2, -shift]]], device=DEVICE)
        check(image, maps, (7, 8))


@runs
def test_each_run_gives_the_same(randn, maps):
    image, given = randn(2, 3, 8, 7).requires_grad_(), maps(2).requires_grad_()
    results = []
    for _ in range(3):
        top = sample_affine(image, given, (9, 8), Plane())
        results.append((top, *torch.autograd.grad(top.square().sum(), (image, given))))
    assert all(map(torch.equal, results[0], again) for again in results[1:])


@runs
def test_only_the_gradients_that_are_needed(randn, maps, monkeypatch):
    kernels, ran = fused_sampler._kernels(), []
    for name in ("maps_gradient", "image_gradient"):
        real = getattr(kernels, name)
        monkeypatch.setattr(kernels, name, lambda *a, _r=real, _n=name: ran.append(_n) or _r(*a))
    image, given = randn(1, 1, 4, 4), maps(1)
    sample_affine(image, given.requires_grad_(), (4, 4), Plane()).sum().backward()
    sample_affine(image.requires_grad_(), given.detach(), (4, 4), Plane()).sum().backward()
    assert ran == ["maps_gradient", "image_gradient"]


@runs
def test_no_second_derivatives(randn, maps):
    image = randn(1, 1, 4, 4).requires_grad_()
    top = sample_affine(image, maps(1).requires_grad_(), (4, 4), Plane())
    (gradient,) = torch.autograd.grad(top.square().sum(), image, create_graph=True)
    with pytest.raises(RuntimeError, match="no autograd formula was registered"):
        gradient.sum().backward()


@runs
def test_as_an_operator(randn, maps):
    image = randn(2, 3, 5, 6).contiguous(memory_format=torch.channels_last).requires_grad_()
    tests = ("test_schema", "test_autograd_registration", "test_faketensor")
    for form in (image, image.detach().contiguous().requires_grad_()):
        arguments = (form, maps(2).requires_grad_(), 4, 7, "CAFFE")
        torch.library.opcheck(torch.ops.netspec.sample_affine.default, arguments, test_utils=tests)
        gradient = randn(2, 3, 4, 7)
        for operator in (
            torch.ops.netspec.sample_affine_maps_gradient,
            torch.ops.netspec.sample_affine_image_gradient,
        ):
            given = (gradient, form.detach(), maps(2), "CAFFE")
            torch.library.opcheck(operator.default, given, test_utils=tests)


@runs
def test_torch_compile(randn, maps):
    image, given = randn(2, 3, 5, 6).requires_grad_(), maps(2).requires_grad_()

    def run(image, maps):
        return sample_affine(image * 2, maps + 0.1, (4, 7), Plane()).square().sum()

    compiled = torch.compile(run, fullgraph=True, backend="aot_eager" if INTERPRETED else "inductor")
    found, expected = (torch.autograd.grad(f(image, given), (image, given)) for f in (compiled, run))
    torch.testing.assert_close(found, expected)


@runs
@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("order", ["ROW_FIRST", "COLUMN_FIRST"])
@pytest.mark.parametrize(
    ("param", "count"),
    [
        ("", 6),
        ("output_H: 4 output_W: 9 theta_1_2: 0.1 theta_2_1: -0.2", 4),
        ("de_transform: true", 6),
        ('transform_type: "similarity" scale: 0.8', 3),
    ],
)
def test_the_layer_takes_it(build, randn, monkeypatch, grid, order, param, count):
    text = f'type: "SpatialTransformer" st_param {{ grid: {grid} order: {order} {param} }}'
    layer = build(text, (2, 1, 7, 6), (2, count)).to(DEVICE)
    image, theta = randn(2, 1, 7, 6).requires_grad_(), (1 + 0.3 * randn(2, count)).requires_grad_()
    results = []
    for fused in (False, True):
        calls = []
        monkeypatch.setattr(
            "netspec.layers.spatial_transformer.can_fuse", lambda *a, f=fused, c=calls: c.append(a) or f
        )
        top = layer(image, theta)
        results.append((top, *torch.autograd.grad(top.square().sum(), (image, theta))))
        assert len(calls) == 1
    for fused, plain in zip(results[1], results[0], strict=True):
        torch.testing.assert_close(fused, plain, rtol=0, atol=1e-4 * plain.abs().max().item())


@pytest.mark.skipif(INTERPRETED or not torch.cuda.is_available(), reason="needs a CUDA device")
def test_captured_in_a_cuda_graph(randn, maps):
    image, given = randn(2, 3, 8, 9).requires_grad_(), maps(2).requires_grad_()
    found = []

    def run():
        top = sample_affine(image, given, (8, 9), Plane())
        found[:] = [top, *torch.autograd.grad(top.square().sum(), (image, given))]

    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    captured = list(found)
    with torch.no_grad():
        image += 1
    graph.replay()
    run()
    assert all(map(torch.equal, captured, found))


@pytest.mark.skipif(INTERPRETED or not torch.cuda.is_available(), reason="needs a CUDA device")
def test_where_the_layer_takes_it(maps):
    """On CUDA, by itself; what the kernel does not do goes the other way."""
    image, size = torch.randn(2, 3, 8, 9, device="cuda"), (8, 9)
    assert can_fuse(image, maps(2), size, "bilinear", "zeros") == TRITON
    assert not can_fuse(image, maps(2), size, "nearest", "zeros")
    assert not can_fuse(image, maps(2), size, "bilinear", "border")
    assert not can_fuse(image.double(), maps(2), size, "bilinear", "zeros")
    assert not can_fuse(image, maps(2).double(), size, "bilinear", "zeros")
    assert not can_fuse(image, torch.ones(2, 3, 3, device="cuda"), size, "bilinear", "zeros")
    assert not can_fuse(image[:0], maps(2)[:0], size, "bilinear", "zeros")


def test_not_on_the_cpu():
    assert not can_fuse(torch.ones(1, 1, 4, 4), torch.ones(1, 2, 3), (4, 4), "bilinear", "zeros")


def test_shapes_are_known_without_running():
    image = torch.empty(2, 3, 5, 6, device="meta", requires_grad=True)
    maps = torch.empty(2, 2, 3, device="meta", requires_grad=True)
    top = sample_affine(image, maps, (4, 7), Plane())
    assert top.shape == (2, 3, 4, 7)
    gradients = torch.autograd.grad(top, (image, maps), torch.empty_like(top))
    assert [each.shape for each in gradients] == [image.shape, maps.shape]


@pytest.mark.skipif(not TRITON or INTERPRETED, reason="needs Triton, not its interpreter")
@pytest.mark.parametrize("kernel", ["_sample", "_maps_gradient", "_image_gradient"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_compiled_for_a_gpu(kernel, channels_last, monkeypatch, tmp_path):
    """None is needed for that. Neighbours in a warp are neighbours in memory."""
    pytest.importorskip("triton", minversion="3.3")  # whose sources are given so
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource, compile

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    kernels = fused_sampler._kernels()
    form = torch.channels_last if channels_last else torch.contiguous_format
    image = torch.empty(2, 64, 8, 8, memory_format=form)
    fixed = {"CENTRE": 0.5, **kernels._tile_of(image, gathers=kernel == "_image_gradient")}
    function = getattr(kernels, kernel)
    signature = {}
    for name in function.arg_names:
        if name in ("image", "top", "gradient", "found"):
            signature[name] = "*bf16"
        elif name in ("maps", "parts"):
            signature[name] = "*fp32"
        elif name in fixed:
            signature[name] = "constexpr"
        elif name[:2] in ("x_", "y_"):
            signature[name] = "fp32"
        elif name.endswith("_c" if channels_last else "_w"):
            signature[name], fixed[name] = "constexpr", 1
        else:
            signature[name] = "i32"
    multiple = {
        (index,): [["tt.divisibility", 16]]
        for index, (name, type) in enumerate(signature.items())
        if type.startswith("*") or (type == "i32" and name.endswith(("_n", "_c", "_h", "_w")))
    }
    constants = {(function.arg_names.index(name),): value for name, value in fixed.items()}
    source = ASTSource(function, signature, constexprs=constants, attrs=multiple)
    built = compile(source, target=GPUTarget("cuda", 90, 32))
    if channels_last:
        assert "ld.global.v4.b32" in built.asm["ptx"]  # eight channels at once
    else:
        warps = re.findall(r"threadsPerWarp = \[(\d+), (\d+)\]", built.asm["ttgir"])
        assert set(warps) == {("32", "1") if kernels._AXIS.value else ("1", "32")}


@pytest.mark.skipif(not TRITON, reason="needs Triton")
@pytest.mark.skipif(INTERPRETED, reason="runs inside the interpreter already")
def test_in_triton_s_interpreter():
    """Everything above on the CPU; the variable must be set before Triton is imported."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "not in_triton",
        __file__,
    ]
    environment = {**os.environ, "TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}
    root = Path(__file__).parents[2]
    done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
