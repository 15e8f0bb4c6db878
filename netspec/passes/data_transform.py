"""Moves what old data layers say of their images' transformation to where it is said today."""

from __future__ import annotations

from netspec.passes.rewrite import OldLayer, layers_of, old_layers_of, with_old_layers
from netspec.schema.document import Document
from netspec.schema.messages import NetParameter, V1LayerParameter
from netspec.text.diagnostic import Diagnostic

_FIELDS = ("scale", "mean_file", "crop_size", "mirror")
_OLD_BLOCKS = {
    V1LayerParameter.DATA: "data_param",
    V1LayerParameter.IMAGE_DATA: "image_data_param",
    V1LayerParameter.WINDOW_DATA: "window_data_param",
}
_IDLE = {
    "Data": ("data_param", _FIELDS),
    "ImageData": ("image_data_param", _FIELDS),
    "WindowData": ("window_data_param", _FIELDS[1:]),  # its scale counts, in Caffe too
}


def move_data_transform(document: Document[NetParameter]) -> Document[NetParameter]:
    """The net with ``scale``, ``mean_file``, ``crop_size`` and ``mirror`` of V1 data in transform_param.

    As Caffe does it, they go over what is there already; and once one layer has any of them, all data layers
    get a transform_param, though it be empty.
    """
    if not any(_given(spec) for spec, _ in old_layers_of(document)):
        return document
    return with_old_layers(document, [_moved(layer) for layer in old_layers_of(document)])


def _given(spec: V1LayerParameter) -> list[str]:
    block = _OLD_BLOCKS.get(spec.type)
    return [name for name in _FIELDS if block and getattr(spec, block).HasField(name)]


def _moved(layer: OldLayer) -> OldLayer:
    spec, spans = layer
    if spec.type not in _OLD_BLOCKS:
        return layer
    name = _OLD_BLOCKS[spec.type]
    given = _given(spec)
    made = V1LayerParameter()
    made.CopyFrom(spec)
    block = getattr(made, name)
    for part in (block, made.transform_param):
        part.SetInParent()
    for field in given:
        setattr(made.transform_param, field, getattr(block, field))
        block.ClearField(field)
    old = spans.sub(name)
    there = "transform_param" if spec.HasField("transform_param") else name
    new = spans.sub(there).entries if spec.HasField("transform_param") else {}
    entries = spans.entries | {
        name: [old.placed({field: places for field, places in old.entries.items() if field not in given})],
        "transform_param": [
            spans.placed(new | {field: old.entries.get(field, []) for field in given}, there)
        ],
    }
    return made, spans.placed(entries)


def idle_transforms(document: Document[NetParameter]) -> list[Diagnostic]:
    """Warns of these fields in a layer of today's form, where neither Caffe nor netspec reads them."""
    return [
        Diagnostic(
            f"layer '{spec.name}': '{field}' has no effect in {block}",
            spans.at(block, field),
            severity="warning",
            help=f"write transform_param {{ {field}: ... }}",
        )
        for spec, spans in layers_of(document)
        for block, fields in [_IDLE.get(spec.type, ("", ()))]
        for field in fields
        if getattr(spec, block).HasField(field)
    ]
