"""Sampling by affine maps in one kernel, on CUDA: no grid of places is made.

The operators know their shapes and gradients, so that `torch.compile` and the capture of CUDA graphs take
them as they are. Their results are the same at each run. They have no second derivatives.
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from netspec.layers.sampling import Plane, positions

_TYPES = (torch.float32, torch.bfloat16, torch.float16)
_REACH = 2**31  # of the kernels' offsets within an item
_ITEMS = 2**16  # that a launch can have


def can_fuse(image: Tensor, maps: Tensor, size: tuple[int, int], mode: str, padding: str) -> bool:
    """Whether `sample_affine` does here what `netspec.layers.sampling` does in steps.

    Args:
        image: what would be sampled, (N, C, H, W).
        maps: by which maps, (N, 2, 3) if they are affine.
        size: of the result, (H', W').
        mode: as `netspec.layers.sampling.sample` takes it.
        padding: likewise.
    """
    return (
        image.is_cuda
        and (mode, padding) == ("bilinear", "zeros")
        and image.dtype in _TYPES
        and maps.dtype == torch.float32
        and maps.shape[1] == 2
        and image.numel() > 0
        and len(image) < _ITEMS
        and _last_offset(image) < _REACH
        and image.shape[1] * size[0] * size[1] < _REACH
        and _triton_runs(image.device)
    )


def sample_affine(image: Tensor, maps: Tensor, size: tuple[int, int], plane: Plane) -> Tensor:
    """An image, read bilinearly at the places to which maps take the pixels of a plane; zero outside.

    Args:
        image: (N, C, H, W), of any strides.
        maps: (N, 2, 3) in float32, as `Plane.canonical` makes them.
        size: the plane's height and width, (H', W').
        plane: where the pixels of both planes lie.

    Returns:
        (N, C, H', W') of the image's type and memory format.
    """
    top: Tensor = torch.ops.netspec.sample_affine(image, maps, *size, plane.grid)
    return top


def _last_offset(blob: Tensor) -> int:
    return sum((size - 1) * stride for size, stride in zip(blob.shape[1:], blob.stride()[1:], strict=True))


def _triton_runs(device: torch.device) -> bool:
    return _find_triton(device)


torch.compiler.assume_constant_result(_triton_runs)  # type: ignore[no-untyped-call]


@cache
def _find_triton(device: torch.device) -> bool:
    """Whether there is Triton, a device that it builds for, the C compiler that it needs for that, and
    whether what comes of it is right."""
    compilers = (os.environ.get("CC", "cc"), "gcc", "clang")
    return (
        find_spec("triton") is not None
        and torch.cuda.get_device_capability(device) >= (7, 0)
        and any(map(shutil.which, compilers))
        and _agrees(device)
    )


def _agrees(device: torch.device) -> bool:
    """Whether the kernels give what PyTorch gives, values and gradients.

    Each process tries it once: they are compiled for a device and by a Triton that no test may have seen.
    """
    size, plane = (4, 6), Plane("HALF_PIXEL")
    try:
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast("cuda", enabled=False):
            image = torch.linspace(-1, 1, 120, device=device).reshape(2, 3, 5, 4).sin().requires_grad_()
            maps = torch.tensor([[[0.9, 0.2, 0.1], [-0.3, 1.1, 0.0]]] * 2, device=device, requires_grad=True)
            rows, columns = (plane.coordinates(length, maps) for length in size)
            tops = [
                sample_affine(image, maps, size, plane),
                F.grid_sample(image, positions(maps, rows, columns), align_corners=False),
            ]
            ours, theirs = (
                (top, *torch.autograd.grad(top.square().sum(), (image, maps), retain_graph=True))
                for top in tops
            )
            return all(a.allclose(b, rtol=1e-3, atol=1e-4) for a, b in zip(ours, theirs, strict=True))
    except Exception:  # whatever a compiler or driver may say: PyTorch's own way is there
        return False


# The operators ----------------------------------------------------------------------------------------------


@torch.library.custom_op(
    "netspec::sample_affine",
    mutates_args=(),
    schema="(Tensor image, Tensor maps, SymInt height, SymInt width, str grid) -> Tensor",
)
def _sample(image: Tensor, maps: Tensor, height: int, width: int, grid: str) -> Tensor:
    top = _empty(image, height, width)
    with torch.cuda.device(image.get_device()):
        _kernels().sample(image, maps.contiguous(), top, Plane(grid))
    return top


@torch.library.custom_op(
    "netspec::sample_affine_maps_gradient",
    mutates_args=(),
    schema="(Tensor gradient, Tensor image, Tensor maps, str grid) -> Tensor",
)
def _maps_gradient(gradient: Tensor, image: Tensor, maps: Tensor, grid: str) -> Tensor:
    with torch.cuda.device(image.get_device()):
        found: Tensor = _kernels().maps_gradient(gradient, image, maps.contiguous(), Plane(grid))
    return found


@torch.library.custom_op(
    "netspec::sample_affine_image_gradient",
    mutates_args=(),
    schema="(Tensor gradient, Tensor image, Tensor maps, str grid) -> Tensor",
)
def _image_gradient(gradient: Tensor, image: Tensor, maps: Tensor, grid: str) -> Tensor:
    found = _empty(image, *image.shape[2:])
    with torch.cuda.device(image.get_device()):
        _kernels().image_gradient(gradient, maps.contiguous(), found, Plane(grid))
    return found


@_sample.register_fake
def _(image: Tensor, maps: Tensor, height: int, width: int, grid: str) -> Tensor:
    return _empty(image, height, width)


@_maps_gradient.register_fake
def _(gradient: Tensor, image: Tensor, maps: Tensor, grid: str) -> Tensor:
    return torch.empty_like(maps, memory_format=torch.contiguous_format)


@_image_gradient.register_fake
def _(gradient: Tensor, image: Tensor, maps: Tensor, grid: str) -> Tensor:
    return _empty(image, *image.shape[2:])


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    image, maps, _, _, ctx.grid = inputs
    ctx.save_for_backward(image, maps)


def _backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    saved, needed = ctx.saved_tensors, ctx.needs_input_grad
    to_image = _image_gradient(gradient, *saved, ctx.grid) if needed[0] else None
    to_maps = _maps_gradient(gradient, *saved, ctx.grid) if needed[1] else None
    return to_image, to_maps, None, None, None


_sample.register_autograd(_backward, setup_context=_keep)


def _empty(image: Tensor, height: int, width: int) -> Tensor:
    """A blob of another height and width, in the image's memory format."""
    last = image.shape[1] > 1 and image.is_contiguous(memory_format=torch.channels_last)
    form = torch.channels_last if last else torch.contiguous_format
    shape = (*image.shape[:2], height, width)
    return torch.empty(shape, dtype=image.dtype, device=image.device, memory_format=form)


def _kernels() -> Any:
    return import_module("netspec.layers.kernels.affine_sampler")
