"""Writes the table of layer types into netspec/layers/README.md, from what the layers declare.

    python tools/build_catalogue.py [--check]

With --check it writes nothing, and exits with 1 where the table is not up to date.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from netspec.layers.registry import Arity, layer_types

README = Path(__file__).parents[1] / "netspec" / "layers" / "README.md"
START, END = "<!-- catalogue -->", "<!-- end of catalogue -->"


def count(arity: Arity | str) -> str:
    """An arity as the table shows it: 1, 1-2, 1 or more."""
    if isinstance(arity, str):
        return f"as {arity}"
    least, most = (arity, arity) if isinstance(arity, int) else arity
    if most is None:
        return f"{least} or more"
    return str(least) if least == most else f"{least}-{most}"


def catalogue() -> str:
    """The table of all layer types of this repository, in Markdown."""
    known = {name: cls.traits for name, cls in layer_types().items() if cls.__module__.startswith("netspec.")}
    rows = [
        f"| {name} | {count(traits.bottoms)} | {count(traits.tops)} | {traits.origin} | {traits.summary} |"
        for name, traits in known.items()
    ]
    header = ["| type | bottoms | tops | source | what it computes |", "|---|---|---|---|---|"]
    return "\n".join([*header, *rows])


def updated(text: str) -> str:
    """The README with the table of now between its marks."""
    pattern = re.compile(f"{re.escape(START)}.*?{re.escape(END)}", re.DOTALL)
    return pattern.sub(lambda _: f"{START}\n{catalogue()}\n{END}", text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    before = README.read_text(encoding="utf-8")
    after = updated(before)
    if check:
        return int(before != after)
    README.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
