"""What a file is, judged by its first bytes and fields, so that a mix-up is named and not just refused."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from netspec.errors import WeightsError
from netspec.weights.wire import VARINT, Reader, open_message

Kind = Literal["a net's weights", "a solver's state", "a single blob"]

_MAGIC = {
    b"PK\x03\x04": "a zip archive (a PyTorch checkpoint?), not a .caffemodel or .solverstate",
    b"\x1f\x8b": "compressed with gzip: unpack it first",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself: fetch it with `git lfs pull`",
}
_HELP = {
    "a solver's state": "pass a .solverstate with -snapshot; its .caffemodel is what -weights takes",
    "a net's weights": "pass a .caffemodel with -weights; the .solverstate beside it is what -snapshot takes",
}


def expect_kind(path: Path, kind: Kind) -> Reader:
    """The message that a file holds.

    Raises:
        WeightsError: the file is missing, empty, text, or of another kind.
    """
    reader = open_message(path)
    head = bytes(reader.data[:512])
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise WeightsError.at(f"expected {kind}, but this is {what}", file=str(path))
    if _is_text(head):
        help = "a .prototxt describes a net; its weights come in a .caffemodel"
        raise WeightsError.at(f"expected {kind}, but this is a text", file=str(path), help=help)
    found = _kind(reader)
    if found != kind:
        raise WeightsError.at(f"expected {kind}, but this is {found}", file=str(path), help=_HELP.get(found))
    return reader


def _is_text(head: bytes) -> bool:
    # A character that the cut at the end of `head` splits must not make a text binary.
    control = any(byte < 32 and byte not in b"\t\n\r\f" for byte in head)
    return not control and "\ufffd" not in head.decode("utf-8", "replace").rstrip("\ufffd")


def _kind(reader: Reader) -> Kind:
    """By the kinds of fields 1 and 2: the iteration and a file's name in a solver's state, a name and layers
    in a net, two numbers in a lone blob (a mean file)."""
    kinds = {field.number: field.kind for field in reader.fields()}
    if kinds.get(1) != VARINT:
        return "a net's weights"
    return "a single blob" if kinds.get(2) == VARINT else "a solver's state"
