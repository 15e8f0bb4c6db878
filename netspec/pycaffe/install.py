"""Makes ``import caffe`` find this package."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

_HERE = __name__.rpartition(".")[0]
_ALIAS = "caffe"


def install() -> ModuleType:
    """Lets ``import caffe``, and that of each of its submodules, give the modules of this package.

    They are the same objects under both names. A real caffe that was imported before is no longer found.

    Returns:
        The module that ``import caffe`` gives.
    """
    package = importlib.import_module(_HERE)
    if sys.modules.get(_ALIAS) is not package:
        for name in [name for name in sys.modules if name == _ALIAS or name.startswith(f"{_ALIAS}.")]:
            del sys.modules[name]
        sys.modules[_ALIAS] = package
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    return package


def install_unless_real() -> None:
    """Installs, if there is no other caffe: for layers' modules, which import it."""
    if _ALIAS not in sys.modules and find_spec(_ALIAS) is None:
        install()


class _Finder(MetaPathFinder):
    """Finds ``caffe.X`` as this package's X."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        top, _, rest = fullname.partition(".")
        if top != _ALIAS or sys.modules.get(_ALIAS) is not sys.modules.get(_HERE):
            return None
        name = f"{_HERE}.{rest}"
        return ModuleSpec(fullname, _Same(name)) if rest and find_spec(name) is not None else None


class _Same(Loader):
    """Loads a module by handing out the one that has another name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self._name)
        self._own = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just given it the alias's.
        module.__spec__ = self._own
