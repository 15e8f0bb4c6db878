"""A net's drawing as one self-contained HTML file, in which one pans, zooms and searches."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.resources import files
from xml.sax.saxutils import escape

from netspec.viz.layout import Direction
from netspec.viz.net import View, detail, draw_views

_MARKUP = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def draw_page(views: Sequence[View], direction: Direction = "TB") -> str:
    """The page for a net in its phases: well-formed as HTML and as XML, and whole in itself."""
    sheet = draw_views(views, direction)
    details = {
        f"{sheet.prefix(index)}{step.key}": detail(step)
        for index, view in enumerate(views)
        for step in view.steps
    }
    parts = {
        "title": escape(sheet.name),
        "style": _read("page.css"),
        "script": _read("page.js"),
        "drawing": sheet.svg(),
        # Nothing in a layer's text may look like the end of the script that holds it.
        "layers": json.dumps(details, separators=(",", ":")).translate(_MARKUP),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _read("page.html"))


def _read(name: str) -> str:
    return (files("netspec.viz") / name).read_text(encoding="utf-8")
