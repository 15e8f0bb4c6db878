from itertools import combinations, pairwise

import numpy as np
import pytest

from netspec.viz.draw import Box, Drawing, Edge
from netspec.viz.layout import text_width


def drawing(edges, direction="TB", **boxes):
    keys = dict.fromkeys(key for edge in edges for key in edge[:2])
    made = (boxes.get(key) or Box(key, (key,)) for key in keys)
    return Drawing("net", tuple(made), tuple(Edge(*edge) for edge in edges), direction)


DIAMOND = [("a", "b"), ("b", "d"), ("a", "c"), ("c", "d"), ("a", "d")]


def rectangles(drawing, layout):
    for box in drawing.boxes:
        (x, y), (w, h) = layout.centres[box.key], box.size
        yield x - w / 2, y - h / 2, x + w / 2, y + h / 2


@pytest.mark.parametrize(
    ("direction", "axis", "sign"), [("TB", 1, 1), ("BT", 1, -1), ("LR", 0, 1), ("RL", 0, -1)]
)
def test_edges_lead_in_the_direction(direction, axis, sign):
    layout = drawing(DIAMOND, direction).layout
    along = {key: sign * centre[axis] for key, centre in layout.centres.items()}
    assert along["a"] < along["b"] == along["c"] < along["d"]
    for path in layout.paths.values():
        places = [sign * point[axis] for point in path]
        assert places == sorted(places)
    xs = {round(point[1 - axis], 3) for point in layout.paths[Edge("a", "d")]}
    assert len(xs) > 1  # it goes round what is between


def many(seed):
    rng = np.random.default_rng(seed)
    edges = {(f"n{rng.integers(i)}", f"n{i}") for i in range(1, 60)}
    edges |= {(f"n{a}", f"n{b}") for a, b in np.sort(rng.integers(60, size=(30, 2)), 1) if a != b}
    lines = {
        f"n{i}": Box(f"n{i}", ("x" * int(rng.integers(1, 20)),) * int(rng.integers(1, 4))) for i in range(60)
    }
    return drawing(sorted(edges), rng.choice(["TB", "LR"]), **lines)


@pytest.mark.parametrize("seed", range(4))
def test_no_box_lies_on_another_nor_beyond_the_drawing(seed):
    graph = many(seed)
    layout = graph.layout
    boxes = list(rectangles(graph, layout))
    for (a, b, c, d), (e, f, g, h) in combinations(boxes, 2):
        assert a >= g or e >= c or b >= h or f >= d
    width, height = layout.size
    assert all(min(a, b) > 0 and c < width and d < height for a, b, c, d in boxes)
    points = [point for path in layout.paths.values() for point in path]
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)


def crossings(layout, edges):
    """How often straight edges between two ranks cross."""
    ends = [(layout.paths[edge][0][0], layout.paths[edge][-1][0]) for edge in edges]
    return sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(ends, 2))


def test_crossings_are_avoided():
    # Two chains side by side, listed so that they cross if nobody cares.
    graph = drawing([("a", "x"), ("b", "y"), ("y", "b2"), ("x", "a2"), ("r", "b"), ("r", "a")])
    layout = graph.layout
    for rank in ([("a", "x"), ("b", "y")], [("y", "b2"), ("x", "a2")]):
        assert crossings(layout, [Edge(*edge) for edge in rank]) == 0


def test_a_chain_is_straight_and_its_boxes_are_evenly_spaced():
    layout = drawing([("a", "b"), ("b", "c"), ("c", "d")]).layout
    assert len({round(x, 6) for x, _ in layout.centres.values()}) == 1
    steps = {round(b[1] - a[1], 6) for a, b in pairwise(layout.centres.values())}
    assert len(steps) == 1


def test_circles_are_drawn_too():
    layout = drawing([("a", "b"), ("b", "relu"), ("relu", "b"), ("b", "c"), ("c", "c")]).layout
    y = {key: centre[1] for key, centre in layout.centres.items()}
    assert y["a"] < y["b"] < y["relu"] == y["c"]
    back = layout.paths[Edge("relu", "b")]
    assert back[0][1] > back[-1][1]  # it starts at the one below


def test_a_source_stands_just_before_what_it_leads_to():
    layout = drawing([("a", "b"), ("b", "c"), ("late", "c")]).layout
    assert layout.centres["late"][1] == layout.centres["b"][1]


def straight(layout, *keys):
    """Whether boxes stand exactly behind each other."""
    return max(layout.centres[key][0] for key in keys) - min(layout.centres[key][0] for key in keys) < 0.1


def test_a_chain_stays_straight_where_something_hangs_beside_it():
    # As pycaffe draws nets: an in-place layer reads its blob and gives it back.
    chain = ["data", "conv1", "blob1", "pool1", "blob2", "conv2", "blob3", "ip", "blob4", "loss", "blob5"]
    edges = [*pairwise(chain), ("blob1", "relu1"), ("relu1", "blob1"), ("blob3", "relu2"), ("relu2", "blob3")]
    layout = drawing(edges).layout
    assert straight(layout, *chain)
    assert not straight(layout, "blob1", "relu1")
    assert all(len({round(x, 3) for x, _ in layout.paths[Edge(*edge)]}) == 1 for edge in pairwise(chain))


def test_the_longer_way_is_straight_and_the_shortcut_goes_round_it():
    chain = ["in", "a1", "b1", "c1", "sum1", "a2", "b2", "c2", "sum2", "out"]
    layout = drawing([*pairwise(chain), ("in", "sum1"), ("sum1", "sum2")]).layout
    assert straight(layout, *chain)
    for shortcut in (Edge("in", "sum1"), Edge("sum1", "sum2")):
        xs = [x for x, _ in layout.paths[shortcut]]
        assert len({round(x, 3) for x in xs[1:-1]}) <= 3  # one column, and the two ends of it


def test_of_three_equal_branches_the_middle_one_is_straight():
    edges = [(a, b) for i in "123" for a, b in pairwise(["in", f"x{i}", f"y{i}", "join"])]
    layout = drawing([*edges, ("join", "out"), ("top", "in")]).layout
    middle = sorted("123", key=lambda i: layout.centres[f"x{i}"][0])[1]
    assert straight(layout, "top", "in", f"x{middle}", f"y{middle}", "join", "out")


def test_long_edges_run_straight_beside_what_they_pass():
    wide = {key: Box(key, ("x" * size,)) for key, size in (("b", 4), ("c", 30), ("d", 8))}
    layout = drawing([*pairwise("abcde"), ("a", "e")], **wide).layout
    assert len({round(x, 3) for x, _ in layout.paths[Edge("a", "e")][1:-1]} - {0}) <= 3
    right = layout.centres["c"][0] + wide["c"].size[0] / 2
    left = layout.centres["c"][0] - wide["c"].size[0] / 2
    columns = [x for x, _ in layout.paths[Edge("a", "e")]]
    assert max(columns) > right or min(columns) < left


@pytest.mark.parametrize("direction", ["TB", "LR"])
def test_labels_lie_on_no_box(direction):
    edges = [(a, b, f"64x{len(a)}x28x28") for a, b in (*pairwise("abcdef"), ("a", "f"), ("b", "d"))]
    graph = drawing(edges, direction)
    layout = graph.layout
    assert layout.labels.keys() == layout.paths.keys()
    for edge, (x, y) in layout.labels.items():
        for a, b, c, d in rectangles(graph, layout):
            assert x > c or x + text_width(edge.label) < a or y > d + 1 or y < b - 1, edge


def test_no_label_sticks_out_of_the_drawing():
    edges = [("a", "b", "a long label to the left"), ("b", "c"), ("a", "c", "and a long one to the right")]
    layout = drawing(edges).layout
    assert all(0 <= x <= layout.size[0] - text_width(edge.label) for edge, (x, _) in layout.labels.items())


def test_a_label_that_says_the_same_beside_another_is_left_out():
    edges = [("in", f"n{i}", "1x256x28x28") for i in range(9)]
    labels = drawing(edges).layout.labels
    places = sorted(x for x, _ in labels.values())
    assert all(b - a > text_width("1x256x28x28") - 1 for a, b in pairwise(places))


def test_wide_letters_take_more_room():
    assert text_width("WWW") > text_width("xxx") > text_width("iii")
    assert text_width("conv", bold=True) > text_width("conv")
