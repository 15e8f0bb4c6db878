"""What a file is, judged by its first bytes and fields, so that a mix-up is named and not just refused."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from netspec.errors import WeightsError
from netspec.weights.wire import BYTES, VARINT, Reader, open_message

Kind = Literal["a net's weights", "a solver's state", "a single blob"]
Format = Literal["binary", "HDF5", "safetensors", "npz"]

_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
_MAGIC = {
    _HDF5: "in HDF5",
    _ZIP: "a zip archive (a PyTorch checkpoint?), not a .caffemodel or .solverstate",
    b"\x93NUMPY": "a NumPy array: `netspec convert` makes a .binaryproto of one that is a mean image",
    b"\x1f\x8b": "compressed with gzip: unpack it first",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself: fetch it with `git lfs pull`",
}
_HELP = {
    "a solver's state": "pass a .solverstate with -snapshot; its .caffemodel is what -weights takes",
    "a net's weights": "pass a .caffemodel with -weights; the .solverstate beside it is what -snapshot takes",
}
_SUFFIXES: dict[str, Format] = {".h5": "HDF5", ".safetensors": "safetensors", ".npz": "npz"}


def format_of(path: Path) -> Format:
    """The format of a file, by its content, and by its name where the content does not tell.

    Raises:
        WeightsError: the file is missing, unreadable or empty.
    """
    head = bytes(open_message(path).data[: 1 << 16])
    if head.startswith(_HDF5):
        return "HDF5"
    # The name of an archive's first member: PyTorch's checkpoints are archives too, but not of arrays.
    if head.startswith(_ZIP) and head[30:][: int.from_bytes(head[26:28], "little")].endswith(b".npy"):
        return "npz"
    # The length of a header in JSON, in eight bytes, and its first character; no header has 4 GB.
    if head[4:9] == b"\0\0\0\0{":
        return "safetensors"
    return format_for(path)


def format_for(path: Path) -> Format:
    """The format in which to write a file of this name: the binary one unless the suffix names another."""
    return _SUFFIXES.get(path.suffix.lower(), "binary")


def binary_kind(path: Path) -> Kind:
    """What a file in Caffe's binary format holds.

    Raises:
        WeightsError: the file is missing, damaged or a text.
    """
    return _kind(_open(path, "a net's weights, a solver's state or a blob"))


def expect_kind(path: Path, kind: Kind) -> Reader:
    """The message that a file holds.

    Raises:
        WeightsError: the file is missing, empty, text, or of another kind.
    """
    reader = _open(path, kind)
    found = _kind(reader)
    if found != kind:
        raise mix_up(path, kind, found)
    return reader


def mix_up(path: Path, expected: Kind, found: Kind) -> WeightsError:
    """The error for one kind of file in the place of another: names the right one where it lies beside."""
    help, sibling = _HELP.get(found), _sibling(path, found)
    if sibling is not None and expected in _HELP:
        help = f"did you mean '{sibling}', which lies beside it? {help}"
    return WeightsError.at(f"expected {expected}, but this is {found}", file=str(path), help=help)


def _sibling(path: Path, found: Kind) -> Path | None:
    """The other file of a snapshot, if there is one."""
    endings = [".caffemodel", ".solverstate"]
    mine, other = endings if found == "a net's weights" else endings[::-1]
    place = path.with_name(path.name.replace(mine, other))
    return place if place != path and place.is_file() else None


def _open(path: Path, expected: str) -> Reader:
    reader = open_message(path)
    head = bytes(reader.data[:512])
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise WeightsError.at(f"expected {expected}, but this is {what}", file=str(path))
    if _is_text(head):
        help = "a .prototxt describes a net; its weights come in a .caffemodel"
        raise WeightsError.at(f"expected {expected}, but this is a text", file=str(path), help=help)
    return reader


def _is_text(head: bytes) -> bool:
    # A character that the cut at the end of `head` splits must not make a text binary.
    control = any(byte < 32 and byte not in b"\t\n\r\f" for byte in head)
    return not control and "\ufffd" not in head.decode("utf-8", "replace").rstrip("\ufffd")


def _kind(reader: Reader) -> Kind:
    """By the kinds of a few fields: an iteration and a file's name in a solver's state, a name and layers in
    a net; a lone blob (a mean file) has axes or a shape, and numbers, where a net has switches."""
    kinds = {field.number: field.kind for field in reader.fields()}
    if kinds.get(1) == VARINT:
        return "a single blob" if kinds.get(2) == VARINT else "a solver's state"
    return "a single blob" if BYTES in (kinds.get(5), kinds.get(7)) else "a net's weights"
