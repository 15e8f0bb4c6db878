"""One way through the house: what each folder may import, and what the library never does."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "netspec"
MODULES = sorted(PACKAGE.rglob("*.py"))

# What each folder may import at run time. The way is text, schema, passes, graph, compiler, solver; layers,
# data and weights stand beside it.
ERRORS = {"errors"}
TEXT = {"text"} | ERRORS
SCHEMA = {"schema"} | TEXT
WEIGHTS = {"weights"} | SCHEMA
DATA = {"data"} | WEIGHTS  # of the weights only the files that hold one blob: see below
LAYERS = {"layers", "data"} | SCHEMA
PASSES = {"passes"} | SCHEMA | {"layers"}  # the registry says what a layer type may leave out
GRAPH = {"graph"} | PASSES | LAYERS
COMPILER = {"compiler"} | GRAPH | WEIGHTS
SOLVER = {"solver"} | COMPILER
ADVICE = {"advice"} | SOLVER
TOP = {"cli", "viz", "pycaffe", "export"} | ADVICE
MAY_IMPORT = {
    "__init__": set(),
    "__main__": {"cli"},
    "errors": {"text"},
    "text": TEXT,
    "schema": SCHEMA,
    "data": DATA,
    "layers": LAYERS,
    "passes": PASSES,
    "graph": GRAPH,
    "weights": WEIGHTS,
    "compiler": COMPILER,
    "solver": SOLVER,
    "advice": ADVICE,
    "stn": LAYERS,
    "viz": TOP,
    "export": TOP,
    "pycaffe": TOP,
    "cli": TOP,
}


def folder(module):
    """The folder of netspec that a module belongs to, given as its path or its dotted name."""
    if isinstance(module, Path):
        return module.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return module.split(".")[1]


class Imports(ast.NodeVisitor):
    """The modules of netspec that a module imports when it runs."""

    def __init__(self, path):
        self.found = set()
        self.visit(ast.parse(path.read_text(encoding="utf-8")))

    def visit_If(self, node):
        if ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for child in node.orelse:
                self.visit(child)
        else:
            self.generic_visit(node)

    def visit_Import(self, node):
        self.found |= {name.name for name in node.names if name.name.startswith("netspec.")}

    def visit_ImportFrom(self, node):
        assert node.level == 0, "imports are absolute"
        if node.module == "netspec":
            self.found |= {f"netspec.{name.name}" for name in node.names}
        elif node.module.startswith("netspec."):
            self.found.add(node.module)


def test_every_folder_has_its_place():
    assert {folder(path) for path in MODULES} <= MAY_IMPORT.keys()
    assert len(MODULES) > 50


@pytest.mark.parametrize("here", MAY_IMPORT)
def test_no_import_points_back_up_the_arrow(here):
    wrong = {
        f"{path.relative_to(PACKAGE)} imports {module}"
        for path in MODULES
        if folder(path) == here
        for module in Imports(path).found
        if folder(module) not in MAY_IMPORT[here] | {here}
    }
    assert wrong == set()


def test_the_data_know_of_the_weights_only_how_a_blob_lies_in_a_file():
    allowed = {f"netspec.weights.{name}" for name in ("blobs", "files", "wire")}
    found = {module for path in (PACKAGE / "data").glob("*.py") for module in Imports(path).found}
    assert {module for module in found if folder(module) == "weights"} <= allowed


def test_the_passes_know_of_the_layers_only_the_registry():
    wrong = {
        f"{path.name} imports {module}"
        for path in (PACKAGE / "passes").glob("*.py")
        for module in Imports(path).found
        if folder(module) == "layers" and module != "netspec.layers.registry"
    }
    assert wrong == set()


def test_the_check_of_imports_sees_all_kinds(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        "from typing import TYPE_CHECKING\nimport netspec.a\nfrom netspec.b import x\nfrom netspec import c\n"
        "if TYPE_CHECKING:\n    import netspec.no\nelse:\n    import netspec.d\n"
        "def f():\n    from netspec.e.f import g\n"
    )
    assert Imports(path).found == {"netspec.a", "netspec.b", "netspec.c", "netspec.d", "netspec.e.f"}


def calls(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def test_the_library_neither_prints_nor_exits():
    library = [path for path in MODULES if folder(path) not in ("cli", "__main__")]
    loud = {"print", "exit", "quit", "sys.exit", "os._exit", "sys.stdout.write", "sys.stderr.write"}
    assert {path: found for path in library if (found := calls(path) & loud)} == {}


def test_no_generated_messages_lie_about():
    # pycaffe has a module of that name, with the messages of our own schema.
    found = [path for path in PACKAGE.rglob("*_pb2*") if path.suffix in (".py", ".pyi")]
    assert found == [PACKAGE / "pycaffe/proto/caffe_pb2.py"]


def test_importing_netspec_is_light():
    heavy = ("torch", "numpy", "lark", "google.protobuf", "cv2", "rich")
    code = f"import sys, netspec; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
