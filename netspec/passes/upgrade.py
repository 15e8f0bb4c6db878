"""All that brings an old net up to date, in its order; nothing that `layer` already says is touched."""

from __future__ import annotations

from dataclasses import replace

from netspec.passes.batch_norm_params import freeze_statistics
from netspec.passes.data_transform import move_data_transform
from netspec.passes.inputs import inputs_to_layer
from netspec.passes.v0_layers import v0_to_v1
from netspec.passes.v0_padding import fold_padding
from netspec.passes.v1_layers import v1_to_v2
from netspec.schema.document import Document
from netspec.schema.messages import NetParameter
from netspec.text.diagnostic import Diagnostic

_PASSES = (
    ("V0 padding layers", fold_padding),
    ("V0 layers", v0_to_v1),
    ("data layers' transform fields", move_data_transform),
    ("V1 layers", v1_to_v2),
    ("input fields", inputs_to_layer),
    ("BatchNorm's param blocks", freeze_statistics),
)


def upgraded(document: Document[NetParameter]) -> tuple[Document[NetParameter], list[str]]:
    """A net as Caffe writes nets today, and what of it was old; itself where nothing was.

    Raises:
        NetError: something old has no place in today's form.
    """
    old = []
    for name, step in _PASSES:
        before, document = document, step(document)
        if document is not before:
            old.append(name)
    if "V0 layers" in old:  # which become V1 layers on the way
        old.remove("V1 layers")
    return document, old


def upgrade_net(document: Document[NetParameter]) -> Document[NetParameter]:
    """A net as Caffe writes nets today, with a warning where all its layers had to be turned.

    Raises:
        NetError: something old has no place in today's form.
    """
    first = document.spans.at("layers")
    document, old = upgraded(document)
    formats = [name for name in old if name in ("V0 layers", "V1 layers")]
    if not formats:
        return document
    message = f"the net is of Caffe's old form ({formats[0]})"
    help = "it is read as if it were new; `netspec upgrade OLD NEW` writes it so"
    warning = Diagnostic(message, first, severity="warning", help=help)
    return replace(document, warnings=(*document.warnings, warning))
