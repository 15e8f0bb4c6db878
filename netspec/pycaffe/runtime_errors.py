"""Where pycaffe raises a RuntimeError, and where Caffe would end the process, there is one here too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike, fspath

from netspec.errors import NetspecError


@contextmanager
def runtime_errors() -> Iterator[None]:
    """While inside, netspec's errors are RuntimeErrors too, and keep their diagnostics."""
    try:
        yield
    except NetspecError as error:
        if isinstance(error, RuntimeError):
            raise
        cls = _both.get(type(error)) or _both.setdefault(type(error), _as_runtime_error(type(error)))
        raise cls(error.diagnostics) from error.__cause__


def require_file(path: str | PathLike[str]) -> None:
    """Makes sure that a file can be read.

    Raises:
        RuntimeError: it cannot.
    """
    try:
        with open(fspath(path), "rb"):  # noqa: PTH123 (a path that is no str raises here, as in pycaffe)
            pass
    except OSError as error:
        raise RuntimeError(f"cannot open file '{fspath(path)}': {error.strerror}") from error


_both: dict[type[NetspecError], type[NetspecError]] = {}


def _as_runtime_error(cls: type[NetspecError]) -> type[NetspecError]:
    return type(cls.__name__, (cls, RuntimeError), {"__module__": cls.__module__, "__doc__": cls.__doc__})
