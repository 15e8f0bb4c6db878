"""Turns the layers of V0 nets (2013) into V1 layers: from one flat message to a block for each type."""

from __future__ import annotations

from typing import Any

from netspec.errors import NetError
from netspec.passes.rewrite import OldLayer, old_layers_of, set_field, with_old_layers
from netspec.schema.document import Document, Spans
from netspec.schema.messages import NetParameter, V0LayerParameter, V1LayerParameter
from netspec.text.diagnostic import Diagnostic, in_text_order
from netspec.text.suggest import nearest, one_of

_TYPES = {
    "accuracy": V1LayerParameter.ACCURACY,
    "bnll": V1LayerParameter.BNLL,
    "concat": V1LayerParameter.CONCAT,
    "conv": V1LayerParameter.CONVOLUTION,
    "data": V1LayerParameter.DATA,
    "dropout": V1LayerParameter.DROPOUT,
    "euclidean_loss": V1LayerParameter.EUCLIDEAN_LOSS,
    "flatten": V1LayerParameter.FLATTEN,
    "hdf5_data": V1LayerParameter.HDF5_DATA,
    "hdf5_output": V1LayerParameter.HDF5_OUTPUT,
    "im2col": V1LayerParameter.IM2COL,
    "images": V1LayerParameter.IMAGE_DATA,
    "infogain_loss": V1LayerParameter.INFOGAIN_LOSS,
    "innerproduct": V1LayerParameter.INNER_PRODUCT,
    "lrn": V1LayerParameter.LRN,
    "multinomial_logistic_loss": V1LayerParameter.MULTINOMIAL_LOGISTIC_LOSS,
    "pool": V1LayerParameter.POOLING,
    "relu": V1LayerParameter.RELU,
    "sigmoid": V1LayerParameter.SIGMOID,
    "softmax": V1LayerParameter.SOFTMAX,
    "softmax_loss": V1LayerParameter.SOFTMAX_LOSS,
    "split": V1LayerParameter.SPLIT,
    "tanh": V1LayerParameter.TANH,
    "window_data": V1LayerParameter.WINDOW_DATA,
}

# The block of each type that has any, and what goes there; any layer may say what data layers do to images.
_BLOCKS = {
    "concat": ("concat_param", "concat_dim"),
    "conv": (
        "convolution_param",
        "num_output biasterm weight_filler bias_filler pad kernelsize group stride",
    ),
    "data": ("data_param", "source batchsize rand_skip"),
    "dropout": ("dropout_param", "dropout_ratio"),
    "hdf5_data": ("hdf5_data_param", "source batchsize"),
    "hdf5_output": ("", "hdf5_output_param"),
    "images": ("image_data_param", "source batchsize rand_skip shuffle_images new_height new_width"),
    "infogain_loss": ("infogain_loss_param", "source"),
    "innerproduct": ("inner_product_param", "num_output biasterm weight_filler bias_filler"),
    "lrn": ("lrn_param", "local_size alpha beta k"),
    "pool": ("pooling_param", "pad kernelsize stride pool"),
    "window_data": (
        "window_data_param",
        "source batchsize det_fg_threshold det_bg_threshold det_fg_fraction det_context_pad det_crop_mode",
    ),
}
_TRANSFORM = ("scale", "meanfile", "cropsize", "mirror")
_KEPT = ("name", "type", "blobs", "blobs_lr", "weight_decay")
_NEW_NAMES = {
    "batchsize": "batch_size",
    "biasterm": "bias_term",
    "cropsize": "crop_size",
    "det_bg_threshold": "bg_threshold",
    "det_context_pad": "context_pad",
    "det_crop_mode": "crop_mode",
    "det_fg_fraction": "fg_fraction",
    "det_fg_threshold": "fg_threshold",
    "kernelsize": "kernel_size",
    "meanfile": "mean_file",
    "shuffle_images": "shuffle",
}
_OUTSIDE = ("bottom", "top", "layer")  # all that stands beside the inner block of a V0 layer


def v0_to_v1(document: Document[NetParameter]) -> Document[NetParameter]:
    """The net with each ``layers { layer { ... } }`` as V1 has it. Padding layers must be gone.

    Raises:
        NetError: unknown types, and fields that a layer's type does not know, all at once.
    """
    if not any(spec.HasField("layer") for spec in document.message.layers):
        return document
    errors: list[Diagnostic] = []
    layers = [
        _upgraded(layer, errors) if layer[0].HasField("layer") else layer for layer in old_layers_of(document)
    ]
    if errors:
        raise NetError(in_text_order(errors))
    return with_old_layers(document, layers)


def _upgraded(old: OldLayer, errors: list[Diagnostic]) -> OldLayer:
    (outer, outer_spans), inner, inner_spans = old, old[0].layer, old[1].sub("layer")
    made = V1LayerParameter(bottom=outer.bottom, top=outer.top)
    spans = outer_spans.placed({name: outer_spans.entries.get(name, []) for name in ("bottom", "top")})
    errors += _beside(old)
    if inner.HasField("type") and inner.type not in _TYPES:
        errors.append(_unknown_type(inner.type, inner_spans))
        return old
    for field, value in inner.ListFields():
        path = _path(field.name, inner.type)
        if path is None:
            errors.append(_unknown_field(field.name, inner, inner_spans))
            continue
        _put(made, path, _TYPES[value] if field.name == "type" else value)
        _place(spans, path, inner_spans, field.name)
    return made, spans


def _path(name: str, type: str) -> tuple[str, ...] | None:
    """Where a V1 layer has a field of a V0 layer of this type; None where it has no place for it."""
    new = _NEW_NAMES.get(name, name)
    block, known = _BLOCKS.get(type, ("", ""))
    if name in _TRANSFORM:
        return "transform_param", new
    if name in known.split():
        return (block, new) if block else (new,)
    return (new,) if name in _KEPT else None


def _put(message: Any, path: tuple[str, ...], value: Any) -> None:
    *blocks, name = path
    for block in blocks:
        message = getattr(message, block)
    set_field(message, name, value)  # some are lists by now, with an entry for each axis


def _place(spans: Spans, path: tuple[str, ...], old: Spans, name: str) -> None:
    *blocks, new = path
    for block in blocks:
        if block not in spans.entries:
            spans.entries[block] = [old.placed({})]
        spans = spans.sub(block)
    spans.entries[new] = old.entries.get(name, [])


def _beside(old: OldLayer) -> list[Diagnostic]:
    spec, spans = old
    stray = [field.name for field, _ in spec.ListFields() if field.name not in _OUTSIDE]
    help = "beside 'layer' stand only 'bottom' and 'top'"
    return [
        Diagnostic(
            f"'{name}' is no field of a V0 layer ('layers {{ layer {{ ... }} }}')", spans.at(name), help
        )
        for name in stray
    ]


def _unknown_type(type: str, spans: Spans) -> Diagnostic:
    guess = nearest(type, _TYPES)
    help = f"did you mean '{guess}'?" if guess else f"the types of V0 are {', '.join(_TYPES)} and padding"
    return Diagnostic(f"unknown layer type '{type}' in a V0 layer", spans.at("type"), help)


def _unknown_field(name: str, spec: V0LayerParameter, spans: Spans) -> Diagnostic:
    owners = [f"'{type}'" for type, (_, known) in _BLOCKS.items() if name in known.split()]
    help = f"it is a field of {one_of(owners)}" if owners else "Caffe never read it: take it out"
    message = f"layer '{spec.name}': '{name}' is no field of the V0 type '{spec.type}'"
    return Diagnostic(message, spans.at(name), help)
