"""What transform_param may ask for: nothing that a text says about its images is passed over in silence."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from netspec.data.resizing import RANDOM_SIZES, resizes_at_random
from netspec.errors import NetError
from netspec.schema.messages import NHWC, TransformationParameter
from netspec.schema.spans import Spans

_EVERYWHERE = ("scale", "mirror", "crop_size", "mean_file", "mean_value", "force_color")
_REFUSED = {
    "scale_factors": "is read by ImageSegData only",
    "crop_width": "is read by ImageSegData only: give crop_h and crop_w",
    "crop_height": "is read by ImageSegData only: give crop_h and crop_w",
    "display": "is not supported: nothing shows images in a window",
    "num_labels": "is not supported: labels are single numbers",
}
_BOUNDED = {
    "": ("img_rand_resize", "rand_resize_ratio", "vertical_stretch", "horizontal_stretch"),
    "distort_param": ("contrast", "saturation"),
}
_NOT_NEGATIVE = {"distort_param": ("brightness_delta", "contrast_lower", "saturation_lower", "hue_delta")}

_Complaint = tuple[str, tuple[str, ...]]  # what is wrong, and the path to the field


def check_fields(param: TransformationParameter, spans: Spans, *, with_objects: bool) -> None:
    """Refuses what a `Transformer` does not honour, and what contradicts itself.

    Raises:
        NetError: the first such field, by name.
    """
    for complaints in (_refusals, _contradictions, _steps, _bounds):
        for message, path in complaints(param, with_objects):
            raise NetError.at(f"transform_param: {message}", spans.at(*path))


def require_plain(
    param: TransformationParameter, spans: Spans, type: str, also: Collection[str] = ()
) -> None:
    """Refuses fields of transform_param that a layer of this type does not read.

    Raises:
        NetError: one is given, besides those that all layers read and those in ``also``.
    """
    for field, value in param.ListFields():
        if field.name not in (*_EVERYWHERE, *also) and (field.message_type or value != field.default_value):
            message = f"transform_param: {field.name} has no effect in {type}: take it out"
            raise NetError.at(message, spans.at(field.name))


def _refusals(param: TransformationParameter, with_objects: bool) -> Iterator[_Complaint]:
    for name, reason in _REFUSED.items():
        if getattr(param, name):
            yield f"{name} {reason}", (name,)
    if param.forward_packing == NHWC:
        yield "forward_packing: NHWC is not supported: blobs are NCHW", ("forward_packing",)
    if param.HasField("emit_constraint") and not with_objects:
        yield "emit_constraint is for images with objects, of AnnotatedData", ("emit_constraint",)
    if with_objects and resizes_at_random(param):
        name = next(name for name in RANDOM_SIZES if param.HasField(name))
        yield f"{name} is not supported for images with objects", (name,)


def _contradictions(param: TransformationParameter, with_objects: bool) -> Iterator[_Complaint]:
    if param.mean_file and param.mean_value:
        yield "takes mean_file or mean_value, not both", ("mean_file",)
    if param.crop_size and (param.crop_h or param.crop_w):
        yield "takes crop_size, or crop_h and crop_w, not both", ("crop_size",)
    for given, other in (("crop_h", "crop_w"), ("crop_w", "crop_h")):
        if getattr(param, given) and not getattr(param, other):
            yield "crop_h and crop_w go together", (given,)
    if param.HasField("expand_param") and param.mean_file:
        yield "expand_param fills the canvas with mean_value, not with mean_file", ("expand_param",)


def _steps(param: TransformationParameter, with_objects: bool) -> Iterator[_Complaint]:
    resize, noise = param.resize_param, param.noise_param
    if param.HasField("resize_param") and not (resize.height and resize.width):
        yield "resize_param asks for height and width", ("resize_param",)
    if noise.convert_to_lab:
        message = "convert_to_lab is not supported: the fork takes its floats for bytes"
        yield message, ("noise_param", "convert_to_lab")
    if noise.HasField("saltpepper_param") and not noise.saltpepper:
        yield "saltpepper_param has no effect without saltpepper: true", ("noise_param", "saltpepper_param")
    for name, step in (("resize_param", resize), ("noise_param", noise)):
        if step.HasField("prob") and step.prob != 1:
            message = f"prob of {name} is not supported: the fork does not read it, and always does as asked"
            yield message, (name, "prob")


def _bounds(param: TransformationParameter, with_objects: bool) -> Iterator[_Complaint]:
    for owner, stems in _BOUNDED.items():
        message, path = (getattr(param, owner), (owner,)) if owner else (param, ())
        for stem in stems:
            if getattr(message, f"{stem}_upper") < getattr(message, f"{stem}_lower"):
                yield f"{stem}_upper is less than {stem}_lower", (*path, f"{stem}_upper")
    if bool(param.img_rand_resize_lower) != bool(param.img_rand_resize_upper):
        yield "img_rand_resize_lower and img_rand_resize_upper go together", ("img_rand_resize_upper",)
    for owner, names in _NOT_NEGATIVE.items():
        for name in names:
            if getattr(getattr(param, owner), name) < 0:
                yield f"{name} must not be negative", (owner, name)
