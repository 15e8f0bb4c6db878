"""The file or folder from which a data layer reads."""

from __future__ import annotations

from pathlib import Path

from netspec.errors import DataError, NetError
from netspec.layers.base import Layer


def find_source(layer: Layer, param: str, what: str) -> Path:
    """The path in a data layer's field ``source``; ``what`` says what it should name.

    Raises:
        NetError: the field is not given.
        DataError: there is no such file or folder.
    """
    source = getattr(layer.spec, param).source
    if not source:
        raise layer.error(f"source is missing: {what}", param)
    try:
        return layer.find_file(source, param, "source")
    except NetError as error:
        raise DataError(error.diagnostics) from error
