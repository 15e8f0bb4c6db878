"""The catalogue in the README is what the layers declare."""

import importlib.util
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "build_catalogue.py"


def test_the_table_of_layers_is_up_to_date():
    spec = importlib.util.spec_from_file_location("build_catalogue", TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    text = tool.README.read_text(encoding="utf-8")
    assert "| SpatialTransformer | 2 | 1 | STN fork |" in text
    assert tool.updated(text) == text, "run python tools/build_catalogue.py"
