import xml.etree.ElementTree as ET

import cv2
import numpy as np
import pytest

from netspec.viz.draw import FORMATS, Box, Drawing, Edge, Sheet
from netspec.viz.layout import Part

SVG = "{http://www.w3.org/2000/svg}"


def drawing(edges, direction="TB", **boxes):
    keys = dict.fromkeys(key for edge in edges for key in edge[:2])
    made = (boxes.get(key) or Box(key, (key,)) for key in keys)
    return Drawing("net", tuple(made), tuple(Edge(*edge) for edge in edges), direction)


DIAMOND = [("a", "b"), ("b", "d"), ("a", "c"), ("c", "d"), ("a", "d")]


def test_nothing_and_a_single_box():
    assert Drawing("", (), ()).layout.centres == {}
    alone = Drawing("", (Box("a", ("a",)),), ())
    assert set(alone.layout.centres) == {"a"}
    assert ET.fromstring(alone.svg()).tag == f"{SVG}svg"


def test_an_edge_to_nowhere():
    with pytest.raises(KeyError, match="b"):
        Drawing("", (Box("a", ("a",)),), (Edge("a", "b"),)).svg()


def test_svg():
    boxes = Box("a<b", ("a<b", "two")), Box('c"&', ('c"&',), "#ff0000", "octagon")
    graph = Drawing("x & y", boxes, (Edge("a<b", 'c"&', "5 > 3"),))
    root = ET.fromstring(graph.svg())
    assert root.find(f"{SVG}title").text == "x & y"
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts == ["a<b", "two", 'c"&', "5 > 3"]
    groups = {group.get("id"): group for group in root.iter(f"{SVG}g") if group.get("id")}
    assert list(groups) == ["a<b", 'c"&']
    polygon = groups['c"&'].find(f"{SVG}polygon")
    assert (polygon.get("fill"), len(polygon.get("points").split())) == ("#ff0000", 8)
    layout = graph.layout
    assert float(root.get("width")) == round(layout.size[0])


def test_pixels():
    graph = drawing(DIAMOND, c=Box("c", ("c",), "#ff8000"))
    image, layout = graph.pixels(), graph.layout
    assert image.shape == (round(2 * layout.size[1]), round(2 * layout.size[0]), 3)
    (x, y), (width, _) = layout.centres["c"], graph.boxes[3].size
    inside = image[round(2 * y), round(2 * (x - width / 2 + 4))]
    assert inside.tolist() == [0, 128, 255]
    assert image[0, 0].tolist() == [255, 255, 255]
    (ax, ay), (bx, by) = layout.paths[Edge("a", "b")]
    patch = image[round(ay + by) - 2 : round(ay + by) + 3, round(ax + bx) - 3 : round(ax + bx) + 4]
    assert patch.min() < 128  # the edge runs through the middle of its ends


def test_dot():
    graph = Drawing(
        'a "net"',
        (Box("a", ("one {x}", "two")), Box("b", ("b",), shape="octagon")),
        (Edge("a", "b", "5"), Edge("b", "a")),
        "LR",
    )
    assert graph.dot() == (
        'digraph "a \\"net\\"" {\n'
        "  rankdir=LR;\n"
        '  "a" [label="one\\ \\{x\\}\\ntwo", shape=record, style=filled, fillcolor="#ffffff"];\n'
        '  "b" [label="b", shape=octagon, style=filled, fillcolor="#ffffff"];\n'
        '  "a" -> "b" [label="5"];\n'
        '  "b" -> "a";\n'
        "}\n"
    )


@pytest.mark.parametrize("format", FORMATS)
def test_formats(format, tmp_path):
    graph = drawing(DIAMOND)
    path = tmp_path / f"net.{format}"
    graph.write(path)
    data = path.read_bytes()
    if format == "svg":
        assert data == graph.svg().encode()
    elif format in ("dot", "gv", "raw"):
        assert data == graph.dot().encode()
    else:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert np.abs(image.astype(int) - graph.pixels()).mean() < 2


def test_what_is_no_format(tmp_path):
    with pytest.raises(ValueError, match="cannot draw as 'pdf': expected one of svg, png"):
        drawing(DIAMOND).encode("pdf")
    assert drawing(DIAMOND).encode("PNG")[1:4] == b"PNG"


def test_parts_stand_at_the_foot_of_a_box_and_have_names_of_their_own():
    parts = Part("relu", ("relu", "ReLU"), "#00ff00"), Part("drop<", ("drop<", "Dropout"), "#0000ff")
    graph = Drawing("net", (Box("conv", ("conv", "Convolution"), parts=parts, titled=True),), ())
    root = ET.fromstring(graph.svg())
    assert [group.get("data-layer") for group in root.iter(f"{SVG}g")] == ["conv", "relu", "drop<"]
    assert {"relu", "ReLU", "drop<", "Dropout"} <= {text.text for text in root.iter(f"{SVG}text")}
    assert 'label="{conv\\nConvolution|relu\\ \\ ReLU|drop\\<\\ \\ Dropout}"' in graph.dot()
    image, (x, y) = graph.pixels(), graph.layout.centres["conv"]
    low = image[round(2 * y) :, round(2 * x)].tolist()
    assert low.index([0, 255, 0]) < low.index([255, 0, 0])  # BGR


def sheet(**options):
    drawings = (drawing(DIAMOND), drawing(DIAMOND[:2]))
    named = (
        Drawing(name, one.boxes, one.edges) for name, one in zip(("TRAIN", "TEST"), drawings, strict=True)
    )
    return Sheet("net", tuple(named), **options)


def test_a_sheet_shows_drawings_side_by_side():
    root = ET.fromstring(sheet(title="my net", legend={"data": "#112233", "loss": "#445566"}).svg())
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert words[:3] == ["my net", "data", "loss"]
    assert {"TRAIN", "TEST"} <= set(words)
    groups = {group.get("id"): group for group in root.iter(f"{SVG}g") if group.get("id")}
    assert list(groups) == ["0/a", "0/b", "0/d", "0/c", "1/a", "1/b", "1/d"]
    left, right = (
        [float(point.split(",")[0]) for key in groups if key.startswith(n) for point in points(groups[key])]
        for n in "01"
    )
    assert max(left) < min(right)
    assert max(right) < float(root.get("width"))
    assert {rect.get("fill") for rect in root.iter(f"{SVG}polygon")} >= {"#112233", "#445566"}


def points(group):
    return group.find(f"{SVG}polygon").get("points").split()


def test_a_sheet_in_other_formats():
    whole = sheet(title="my net", legend={"data": "#112233"})
    image = whole.pixels()
    assert image[:200].reshape(-1, 3).tolist().count([0x33, 0x22, 0x11]) > 300
    text = whole.dot()
    assert 'subgraph cluster_1 {\n    label="TEST";' in text
    assert '"1/a" -> "1/b";' in text
    assert '"legend/data" [label="data", shape=box, style=filled, fillcolor="#112233"];' in text
    assert text.count("{") == text.count("}")


def test_a_long_legend_takes_several_rows():
    short, long = (sheet(legend={f"kind {n}": "#112233" for n in range(count)}) for count in (2, 40))
    assert long.pixels().shape[0] > short.pixels().shape[0]
    root = ET.fromstring(long.svg())
    assert all(float(text.get("x")) < float(root.get("width")) for text in root.iter(f"{SVG}text"))
