"""Finds and imports the modules that Python layers live in."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.util import find_spec
from types import ModuleType

from netspec.layers.python_blobs import Layer
from netspec.schema.messages import TEST, TRAIN

# The top-level modules that came from a folder that was on the path for one import only, and that folder.
_homes: dict[str, str] = {}


def import_module(name: str, folders: Sequence[str]) -> ModuleType:
    """A module by its dotted name, looked for in ``folders`` first, then on ``sys.path``.

    While it is imported, ``import caffe`` finds what a layer needs of it, where there is no real one.

    Raises:
        ImportError: another module of the name was imported before; or what the import itself raises.
    """
    top = name.partition(".")[0]
    with _on_path(folders), _caffe_at_hand():
        nearby = PathFinder.find_spec(top, folders)
        module = importlib.import_module(name)
        found = getattr(sys.modules[top].__spec__, "origin", None)
        if nearby is not None and nearby.origin not in (None, found):
            raise ImportError(f"'{nearby.origin}' is hidden by a module of its name: '{found}'")
    return module


@contextmanager
def _on_path(folders: Sequence[str]) -> Iterator[None]:
    """Puts the folders in front of ``sys.path``. Modules from earlier nets' folders are forgotten, since they
    could stand in the way of this one's."""
    for top in [top for top, home in _homes.items() if home not in folders]:
        del _homes[top]
        for name in [name for name in sys.modules if name == top or name.startswith(f"{top}.")]:
            del sys.modules[name]
    before = set(sys.modules)
    sys.path[:0] = folders
    importlib.invalidate_caches()
    try:
        yield
    finally:
        for folder in folders:  # one by one: the module may have changed the path for good
            if folder in sys.path:
                sys.path.remove(folder)
        for top in {name.partition(".")[0] for name in sys.modules.keys() - before}:
            home = next((folder for folder in folders if PathFinder.find_spec(top, [folder])), None)
            if home is not None:
                _homes[top] = home


@contextmanager
def _caffe_at_hand() -> Iterator[None]:
    """A module ``caffe`` with what a layer's class needs, unless there is a real one."""
    spec = None if "caffe" in sys.modules else find_spec("caffe")
    if "caffe" in sys.modules or (spec is not None and spec.origin is not None):
        yield
        return
    caffe = ModuleType("caffe", "What a layer's class needs of pycaffe.")
    vars(caffe).update(Layer=Layer, TRAIN=TRAIN, TEST=TEST)
    sys.modules["caffe"] = caffe
    try:
        yield
    finally:
        del sys.modules["caffe"]
