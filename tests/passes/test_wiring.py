"""Which version of a blob each bottom reads."""

from __future__ import annotations

import pytest

from netspec.passes.wiring import Version, wire
from netspec.text.diagnostic import render


def layer(name, bottoms="", tops=""):
    fields = [f'bottom: "{blob}"' for blob in bottoms.split()] + [f'top: "{blob}"' for blob in tops.split()]
    return f'layer {{ name: "{name}" {" ".join(fields)} }}\n'


def written(version):
    return f"{version.blob}{version.number}" if version is not None else "-"


def wired(read, *layers):
    """Each layer as "bottoms>tops", and the report."""
    wires, errors = wire(read("".join(layers)))
    shown = [f"{' '.join(map(written, w.bottoms))}>{' '.join(map(written, w.tops))}" for w in wires]
    return shown, render(errors)


def test_a_chain(read):
    assert wired(read, layer("in", tops="x t"), layer("ip", "x", "y"), layer("loss", "y t", "l")) == (
        [">x0 t0", "x0>y0", "y0 t0>l0"],
        "",
    )


def test_an_in_place_layer_makes_a_new_version(read):
    layers = layer("in", tops="x"), layer("r1", "x", "x"), layer("r2", "x", "x"), layer("ip", "x", "y")
    assert wired(read, *layers) == ([">x0", "x0>x1", "x1>x2", "x2>y0"], "")


def test_who_stands_above_an_in_place_layer_reads_the_older_version(read):
    layers = layer("in", tops="x"), layer("a", "x", "a"), layer("r", "x", "x"), layer("b", "x a", "b")
    assert wired(read, *layers) == ([">x0", "x0>a0", "x0>x1", "x1 a0>b0"], "")


def test_in_place_goes_by_position_as_in_caffe(read):
    both = layer("in", tops="x y"), layer("swap", "x y", "x y")
    assert wired(read, *both) == ([">x0 y0", "x0 y0>x1 y1"], "")
    shown, errors = wired(read, layer("in", tops="x y"), layer("cross", "x y", "y"))
    assert shown == [">x0 y0", "x0 y0>y1"]
    assert "layer 'cross' makes blob 'y' a second time" in errors


def test_versions_are_values():
    assert Version("x", 1) == Version("x", 1) != Version("x", 2)


def test_a_blob_made_twice_shows_both_places(read):
    shown, errors = wired(read, layer("in", tops="x"), layer("a", "x", "y"), layer("b", "x", "y"))
    assert shown == [">x0", "x0>y0", "x0>y1"]
    assert errors == (
        """net.prototxt:3:36: error: layer 'b' makes blob 'y' a second time
    3 | layer { name: "b" bottom: "x" top: "y" }
      |                                    ^^^
net.prototxt:2:36: note: layer 'a' makes it here
    2 | layer { name: "a" bottom: "x" top: "y" }
      |                                    ^^^
   help: give one of the two another name, or let include { phase: ... } keep them apart"""
    )


def test_a_blob_made_twice_by_one_layer(read):
    _, errors = wired(read, layer("in", tops="x x"))
    assert errors.splitlines()[0] == "net.prototxt:1:34: error: layer 'in' makes blob 'x' a second time"
    assert errors.splitlines()[3] == "net.prototxt:1:25: note: layer 'in' makes it here"


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (
            [layer("in", tops="data"), layer("ip", "dta", "y")],
            """net.prototxt:2:28: error: layer 'ip' reads blob 'dta', which no layer above it makes
    2 | layer { name: "ip" bottom: "dta" top: "y" }
      |                            ^^^^^
   help: did you mean 'data'?""",
        ),
        (
            [layer("ip", "data", "y"), layer("in", tops="data")],
            """net.prototxt:1:28: error: layer 'ip' reads blob 'data', which no layer above it makes
    1 | layer { name: "ip" bottom: "data" top: "y" }
      |                            ^^^^^^
   help: a layer further down makes 'data': move it up""",
        ),
        (
            [layer("r", "x", "x")],
            """net.prototxt:1:27: error: layer 'r' reads blob 'x', which no layer above it makes
    1 | layer { name: "r" bottom: "x" top: "x" }
      |                           ^^^
   help: check the name""",
        ),
    ],
)
def test_a_bottom_that_nobody_makes(read, layers, expected):
    shown, errors = wired(read, *layers)
    assert errors == expected
    assert any(line.startswith("->") for line in shown)


def test_every_unknown_bottom_is_reported(read):
    _, errors = wired(read, layer("a", "p q", "y"))
    assert [line for line in errors.splitlines() if "error" in line] == [
        "net.prototxt:1:27: error: layer 'a' reads blob 'p', which no layer above it makes",
        "net.prototxt:1:39: error: layer 'a' reads blob 'q', which no layer above it makes",
    ]


def test_where_nothing_is_near_the_blobs_made_above_are_listed(read):
    _, errors = wired(read, layer("in", tops="left right"), layer("a", "gone", "y"))
    assert errors.endswith("help: the blobs made above it are 'left', 'right'")
    _, errors = wired(read, layer("in", tops="a b c d e f g h i"), layer("a", "gone", "y"))
    assert errors.endswith("help: check the name")


def test_a_blob_whose_layer_is_left_out_shows_the_rule(read):
    rule = layer("in", tops="data").replace(" }", " include { phase: TRAIN } }")
    whole, reader = read(rule + layer("ip", "data", "y")), "\n" + layer("ip", "data", "y")
    _, errors = wire(read(reader), whole)
    assert (
        render(errors)
        == """net.prototxt:2:28: error: layer 'ip' reads blob 'data', which no layer above it makes
    2 | layer { name: "ip" bottom: "data" top: "y" }
      |                            ^^^^^^
net.prototxt:1:32: note: layer 'in' makes it, but is left out here
    1 | layer { name: "in" top: "data" include { phase: TRAIN } }
      |                                ^^^^^^^
   help: let include and exclude rules keep both layers, or leave both out"""
    )
