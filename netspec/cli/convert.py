"""`netspec convert`: weights, and mean images, in another format."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.errors import NetspecError, UsageError, WeightsError
from netspec.text.suggest import one_of

if TYPE_CHECKING:
    from netspec.weights.layers import LayerBlobs
    from netspec.weights.renaming import Rule
    from netspec.weights.wire import Floats

HELP = "turn weights into another format, and rename their layers"

WEIGHTS = (".caffemodel", ".caffemodel.h5", ".safetensors", ".npz")

# How many axes the blobs of the layers have that were there before blobs had any number of them.
_AXES: dict[str, dict[int | str, int]] = {
    "Convolution": {1: 1},
    "Deconvolution": {1: 1},
    "InnerProduct": {0: 2, 1: 1},
}
# What nets call the blobs of the most frequent types, in the keys of their state dicts.
_NAMES = {
    "BatchNorm": ("mean", "variance", "scale_factor"),
    "Convolution": ("weight", "bias"),
    "Deconvolution": ("weight", "bias"),
    "Embed": ("weight", "bias"),
    "InnerProduct": ("weight", "bias"),
    "PReLU": ("slope",),
    "Scale": ("weight", "bias"),
}


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument(
        "input", metavar="IN", help=f"{one_of(WEIGHTS)}, of any age; or a mean image, .binaryproto or .npy"
    )
    parser.add_argument("output", metavar="OUT", help="its suffix says the format")
    parser.add_argument(
        "--rename",
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="rename a layer, or all whose whole name a regular expression matches: 'conv(.*)=c\\1'; may be "
        "repeated, the first rule that means a layer counts",
    )


def run(args: Namespace) -> int:
    source, target = Path(args.input), Path(args.output)
    if source.suffix == ".npy" or _is_blob(source):
        print(_convert_mean(source, target))
        return 0
    if not target.name.lower().endswith((*WEIGHTS, ".h5")):
        raise UsageError.at(f"weights cannot be written to '{target}'", help=f"end it in {one_of(WEIGHTS)}")
    print(_convert_weights(source, target, [_rule(text) for text in args.rename]))
    return 0


def _rule(text: str) -> Rule:
    from netspec.weights.renaming import Rule

    old, equals, new = text.rpartition("=")
    if not equals or not old or not new:
        raise UsageError.at(f"--rename takes OLD=NEW, not '{text}'")
    try:
        return Rule(old, new)
    except ValueError as error:
        help = "OLD is a layer's name or a regular expression, NEW may hold its groups"
        raise UsageError.at(f"--rename '{text}': {error}", help=help) from error


def _convert_weights(source: Path, target: Path, rules: list[Rule]) -> str:
    from netspec.weights import read_weights, write_weights
    from netspec.weights.renaming import rename

    layers = [_todays(layer) for layer in rename(read_weights(source), rules)]
    write_weights(target, layers)
    blobs = [blob for layer in layers for blob in layer.blobs.values()]
    numbers = sum(blob.size for blob in blobs)
    return f"{target}: {len(layers)} layers, {len(blobs)} blobs, {numbers:,} parameters"


def _todays(layer: LayerBlobs) -> LayerBlobs:
    """The layer as a file of today has it: its type, its blobs' names, and no more axes than they need, since
    Caffe takes 1x1x500x800 for 500x800 in old files only."""
    type = _todays_type(layer.type)
    axes = _AXES.get(type, {})
    blobs = {key: _without_ones(blob, axes.get(key, blob.ndim)) for key, blob in layer.blobs.items()}
    return replace(layer, type=type, blobs=blobs, names=layer.names or _NAMES.get(type, ()))


def _without_ones(blob: Floats, axes: int) -> Floats:
    kept = blob.shape[blob.ndim - axes :]
    return blob.reshape(kept) if blob.ndim > axes and blob.size == prod(kept) else blob


def _todays_type(type: str) -> str:
    """What the passes make of a layer's type in a V0 or V1 file; other types stay."""
    from netspec.passes.upgrade import upgraded
    from netspec.schema.document import Document
    from netspec.schema.messages import NetParameter, V0LayerParameter, V1LayerParameter

    if type in V1LayerParameter.LayerType.keys():  # noqa: SIM118
        old = V1LayerParameter(type=V1LayerParameter.LayerType.Value(type))
    else:
        old = V1LayerParameter(layer=V0LayerParameter(type=type))
    try:
        document, _ = upgraded(Document.from_message(NetParameter(layers=[old])))
    except NetspecError:
        return type
    return next((layer.type for layer in document.message.layer), type)


# Mean images --------------------------------------------------------------------------------------------


def _is_blob(path: Path) -> bool:
    from netspec.weights.formats import kind_of

    return kind_of(path) == "a single blob"


def _convert_mean(source: Path, target: Path) -> str:
    """Between Caffe's mean file and an array (C, H, W), as pycaffe's scripts load it."""
    from netspec.data.binaryproto import read_image, write_binaryproto

    back = source.suffix == ".npy"
    suffix = ".binaryproto" if back else ".npy"
    if target.suffix.lower() != suffix:
        help = f"end it in {suffix}"
        raise UsageError.at(f"the mean image '{source}' cannot be written to '{target}'", help=help)
    image = _read_npy(source) if back else read_image(source)
    (write_binaryproto if back else _write_npy)(target, image)
    return f"{target}: {'x'.join(map(str, image.shape))}"


def _read_npy(path: Path) -> Floats:
    import numpy as np

    from netspec.weights.layers import as_floats

    try:
        # Mapped, a header that promises more than there is costs nothing but this error.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        shape = array.shape
    except Exception as error:  # NumPy does not say what a damaged file makes it raise
        raise WeightsError.at(f"cannot be read as an array: {error}", file=str(path)) from error
    if len(shape) == 4 and shape[0] == 1:
        array = array[0]
    if array.ndim != 3:
        message = f"expected an image of channels, rows and columns, not the shape {list(shape)}"
        raise WeightsError.at(message, file=str(path))
    return as_floats(array, "the image", str(path))


def _write_npy(path: Path, image: Floats) -> None:
    import numpy as np

    from netspec.weights.files import replacing

    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, image)
