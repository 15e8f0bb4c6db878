"""A net's drawing as one self-contained HTML file, in which one pans, zooms and searches."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any
from xml.sax.saxutils import escape

from netspec.viz.layout import Direction
from netspec.viz.net import View, detail, draw_views

_MARKUP = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


def draw_page(views: Sequence[View], direction: Direction = "TB") -> str:
    """The page for a net in its phases: well-formed as HTML and as XML, and whole in itself."""
    sheet = draw_views(views, direction)
    details = {
        f"{sheet.prefix(index)}{step.key}": detail(step)
        for index, view in enumerate(views)
        for step in view.steps
    }
    return fill_page(
        "page", {"title": escape(sheet.name), "drawing": sheet.svg(), "layers": inline_json(details)}
    )


def fill_page(name: str, parts: Mapping[str, str]) -> str:
    """A page of this package with its style, its script, and what goes into its other places."""
    parts = {**parts, "style": _read(f"{name}.css"), "script": _read(f"{name}.js")}
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _read(f"{name}.html"))


def inline_json(data: Any) -> str:
    """JSON for a script of a page. Nothing in it looks like the end of the script that holds it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for char, escaped in _MARKUP.items():
        text = text.replace(char, escaped)
    return text


@cache
def _read(name: str) -> str:
    return (files("netspec.viz") / name).read_text(encoding="utf-8")
