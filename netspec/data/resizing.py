"""Bringing images, and their objects' boxes, to another size before they are cut, as Caffe's forks do."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from netspec.data.objects import BOX
from netspec.schema.messages import ResizeParameter, TransformationParameter

Floats = NDArray[np.float32]
Image = NDArray[np.uint8] | NDArray[np.float32]
Size = tuple[int, int]

_INTERPOLATIONS = {
    ResizeParameter.LINEAR: cv2.INTER_LINEAR,
    ResizeParameter.AREA: cv2.INTER_AREA,
    ResizeParameter.NEAREST: cv2.INTER_NEAREST,
    ResizeParameter.CUBIC: cv2.INTER_CUBIC,
    ResizeParameter.LANCZOS4: cv2.INTER_LANCZOS4,
}
_BORDERS = {
    ResizeParameter.CONSTANT: cv2.BORDER_CONSTANT,
    ResizeParameter.MIRRORED: cv2.BORDER_REFLECT_101,
    ResizeParameter.REPEAT_NEAREST: cv2.BORDER_REPLICATE,
}
RANDOM_SIZES = (
    *("img_rand_resize_lower", "img_rand_resize_upper", "rand_resize_ratio_lower", "rand_resize_ratio_upper"),
    *("vertical_stretch_lower", "vertical_stretch_upper"),
    *("horizontal_stretch_lower", "horizontal_stretch_upper"),
)


def resize(image: Image, param: ResizeParameter, rng: np.random.Generator) -> Image:
    """An image (H, W, C) as ``resize_param`` of the SSD fork has it; of several interpolations, one is drawn.

    Raises:
        cv2.error: it cannot be brought to that size.
    """
    modes = list(param.interp_mode) or [ResizeParameter.LINEAR]
    mode = modes[rng.integers(len(modes))] if len(modes) > 1 else modes[0]
    size = _new_size(image, param)
    resized: Any = cv2.resize(image, size[::-1], interpolation=_INTERPOLATIONS[mode])
    if param.resize_mode == ResizeParameter.FIT_LARGE_SIZE_AND_PAD:
        resized = _padded(resized, param, image.shape[2])
    return as_image(resized)


def as_image(pixels: Image) -> Image:
    """With an axis for the channels, which OpenCV leaves out where there is one."""
    return pixels.reshape(*pixels.shape[:2], -1)


def _new_size(image: Image, param: ResizeParameter) -> Size:
    """Height and width, without padding."""
    height, width = param.height, param.width
    if param.resize_mode == ResizeParameter.WARP:
        return height, width
    aspect, wanted = (
        np.float32(image.shape[1]) / np.float32(image.shape[0]),
        np.float32(width) / np.float32(height),
    )
    fits_inside = param.resize_mode == ResizeParameter.FIT_LARGE_SIZE_AND_PAD
    if (aspect > wanted) if fits_inside else (aspect < wanted):
        return int(np.float32(width) / aspect), width
    return height, int(aspect * np.float32(height))


def _padded(image: Image, param: ResizeParameter, channels: int) -> Image:
    rows, columns = param.height - image.shape[0], param.width - image.shape[1]
    top, left = rows // 2, columns // 2
    values = np.resize(np.asarray(list(param.pad_value) or [0], np.float64), channels)
    border = _BORDERS[param.pad_mode]
    image = as_image(image)
    planes: list[Any] = [  # one by one, since OpenCV pads no more than four with values of their own
        cv2.copyMakeBorder(image[..., c], top, rows - top, left, columns - left, border, value=values[c])
        for c in range(channels)
    ]
    padded: Image = np.stack(planes, axis=-1)
    return padded


def resized_objects(objects: Floats, param: ResizeParameter, shape: Size) -> Floats:
    """The objects of an image of height and width ``shape`` once it is resized: padding moves their boxes."""
    result: Floats = objects.copy()
    boxes = result[:, BOX]
    if param.resize_mode == ResizeParameter.FIT_LARGE_SIZE_AND_PAD:
        height, width = np.float32(param.height), np.float32(param.width)
        aspect = np.float32(shape[1]) / np.float32(shape[0])
        inner = [width, width / aspect] if aspect > width / height else [aspect * height, height]
        outer = [width, height]
        frame, whole = np.asarray(inner * 2, np.float32), np.asarray(outer * 2, np.float32)
        boxes = np.asarray((boxes * frame + (whole - frame) / 2) / whole, np.float32)
    result[:, BOX] = boxes.clip(0, 1)
    return result


def rescaled_objects(objects: Floats, param: ResizeParameter, cropped: Size) -> Floats:
    """The objects of a cropped image in shares of height_scale and width_scale, where these are given."""
    scale = np.asarray([param.width_scale, param.height_scale] * 2, np.float32)
    if param.resize_mode != ResizeParameter.FIT_SMALL_SIZE or not scale.all():
        return objects
    result: Floats = objects.copy()
    result[:, BOX] *= np.asarray([*cropped[::-1]] * 2, np.float32) / scale
    return result


def resizes_at_random(param: TransformationParameter) -> bool:
    """Whether fields of NVIDIA's fork ask for another size."""
    return any(param.HasField(name) for name in RANDOM_SIZES)


def resize_at_random(image: Image, param: TransformationParameter, rng: np.random.Generator) -> Image:
    """An image (H, W, C) as fields of NVIDIA's fork have it: the shorter side's length, the ratio of the
    sides and a stretch of each are drawn between bounds; no side becomes shorter than crop_size, nor, without
    allow_upscale, longer than it was.

    Raises:
        cv2.error: it cannot be brought to that size.
    """
    height, width = image.shape[:2]
    short = min(height, width)
    if param.img_rand_resize_lower and param.img_rand_resize_upper:
        short = int(rng.integers(param.img_rand_resize_lower, param.img_rand_resize_upper + 1))
    new_height, new_width = short * height / min(height, width), short * width / min(height, width)
    if param.rand_resize_ratio_lower >= 1 and param.rand_resize_ratio_upper > 1:
        ratio = rng.uniform(param.rand_resize_ratio_lower, param.rand_resize_ratio_upper)
        wide = new_width > new_height if height != width else bool(rng.integers(2))
        new_height, new_width = (new_height, new_height * ratio) if wide else (new_width * ratio, new_width)
    new_height *= rng.uniform(param.vertical_stretch_lower, param.vertical_stretch_upper)
    new_width *= rng.uniform(param.horizontal_stretch_lower, param.horizontal_stretch_upper)
    size = [max(param.crop_size, int(side + 0.5)) for side in (new_height, new_width)]
    if not param.allow_upscale:
        size = [min(size[0], height), min(size[1], width)]
    if size == [height, width]:
        return image
    smaller = size[0] <= height and size[1] <= width
    how = param.interpolation_algo_down if smaller else param.interpolation_algo_up
    resized: Any = cv2.resize(image, size[::-1], interpolation=how)
    return as_image(resized)
