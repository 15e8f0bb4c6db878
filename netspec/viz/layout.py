"""Finds a place for the boxes and arrows of a graph, in ranks.

The layout is Sugiyama's: edges against the direction are turned round, every box gets a rank behind those
that lead to it, long edges get a waypoint on each rank they pass, ranks are ordered so that edges cross
little, and boxes move towards their neighbours as far as there is room. Chains stay straight: a box stands
right behind its neighbour where the longest way through each of them leads through the other, and whatever
else hangs there stands aside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import Literal

__all__ = ["FONT", "LINE", "Box", "Direction", "Edge", "Layout", "Part", "Point", "lay_out", "text_width"]

Direction = Literal["TB", "BT", "LR", "RL"]
Point = tuple[float, float]

# In pixels of the drawing.
FONT, LINE = 12, 16
_PADDING = (10, 6)
_RANK_GAP, _BOX_GAP, _WAY_GAP, _MARGIN = 40, 18, 10, 16
_LABEL_GAP = 6  # between a line and what is written beside it
_BEND = 6  # how far a label keeps from the middle of one that bends
_PORT = 14  # arrows end at least so far from a box's corner
_SWEEPS, _STRAIGHTENINGS = 12, 4
# How strongly a place is wanted: by a box that is held, and by a waypoint, which gives way. A box of a chain
# of n boxes wants it with n to this power, so that the longer chain stays straight.
_HELD, _YIELDING, _POWER = 1e3, 1e-2, 4

# The widths of the widest common sans-serif font's letters, in shares of the font's size.
_WIDTHS = (
    dict.fromkeys("ijlI.,:;!|'", 0.32) | dict.fromkeys("ft()[]/ -r\\", 0.4) | dict.fromkeys("mwMW", 0.97)
)
_SMALL, _LARGE, _BOLD = 0.63, 0.72, 1.13


def text_width(text: str, *, bold: bool = False) -> float:
    """What a line of text takes at most."""
    ems = sum(_WIDTHS.get(char, _LARGE if char.isupper() else _SMALL) for char in text)
    return ems * FONT * (_BOLD if bold else 1)


@dataclass(frozen=True)
class Part:
    """A strip at the foot of a box: something small that belongs to it. The second text is at the right."""

    key: str
    texts: tuple[str, str]
    fill: str
    hint: str = ""


@dataclass(frozen=True)
class Box:
    """A node of the graph.

    Attributes:
        lines: what stands in it.
        shape: that of its outline.
        parts: strips at its foot.
        titled: whether the first line is a title.
        strong: whether it stands out.
        hint: what a browser shows under the mouse.
    """

    key: str
    lines: tuple[str, ...]
    fill: str = "#ffffff"
    shape: Literal["box", "octagon"] = "box"
    parts: tuple[Part, ...] = ()
    titled: bool = False
    strong: bool = False
    hint: str = ""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height."""
        widths = [text_width(line, bold=self.titled and not index) for index, line in enumerate(self.lines)]
        widths += [text_width("  ".join(part.texts)) for part in self.parts]
        height = max(1, len(self.lines)) * LINE + 2 * _PADDING[1]
        return max(widths, default=0) + 2 * _PADDING[0], height + len(self.parts) * PART_HEIGHT


PART_HEIGHT = LINE + 2


@dataclass(frozen=True)
class Edge:
    """An arrow from one box to another."""

    tail: str
    head: str
    label: str = ""


@dataclass(frozen=True)
class Layout:
    """Where everything is: the size of the drawing, the boxes' centres, the edges' ways from the rim of one
    box to that of the other, and the left ends of their labels' middle lines. ``upright``: ranks lie on each
    other."""

    size: tuple[float, float]
    upright: bool
    centres: dict[str, Point]
    paths: dict[Edge, list[Point]]
    labels: dict[Edge, Point]


@dataclass(eq=False)
class _Node:
    """A box, or a waypoint of an edge: an extent in the direction of the ranks, ``depth``, and one across, to
    either side of ``across``.

    ``before`` and ``behind`` are the boxes on the longest way to it and from it. ``mate_above`` and
    ``mate_below`` are those that it forms a straight chain with, and ``column`` the boxes of that chain.
    """

    rank: int
    depth: float = 0
    left: float = 0
    right: float = 0
    above: list[_Node] = field(default_factory=list)
    below: list[_Node] = field(default_factory=list)
    across: float = 0
    is_box: bool = True
    before: int = 0
    behind: int = 0
    mate_above: _Node | None = None
    mate_below: _Node | None = None
    column: list[_Node] = field(default_factory=list)

    def make_room(self, width: float, *, upright: bool) -> None:
        """Keeps room for a text beside the line in the middle of this waypoint."""
        if upright:
            self.right = width + _LABEL_GAP
        else:
            self.depth, self.left = width, 1.0 * LINE

    def port(self, other: _Node) -> float:
        """Where across itself a line from another node comes in: straight where both reach so far."""
        reach, others = (max(0.0, node.left - _PORT) * node.is_box for node in (self, other))
        low = max(self.across - reach, other.across - others)
        high = min(self.across + reach, other.across + others)
        if low > high:  # as near to the other as it gets
            return min(max(other.across, self.across - reach), self.across + reach)
        return min(max((self.across + other.across) / 2, low), high)


def lay_out(boxes: Sequence[Box], edges: Sequence[Edge], direction: Direction = "TB") -> Layout:
    """Finds a place for everything.

    Raises:
        KeyError: an edge leads to no box.
    """
    upright = direction in ("TB", "BT")
    keys = [box.key for box in boxes]
    links = _acyclic(keys, edges)
    nodes: dict[str, _Node] = {}
    for box, rank in zip(boxes, _ranks(keys, links.values()).values(), strict=True):
        width, height = box.size
        depth, breadth = (height, width) if upright else (width, height)
        nodes[box.key] = _Node(rank, depth, breadth / 2, breadth / 2)
    chains = {edge: _chain(nodes[tail], nodes[head]) for edge, (tail, head) in links.items()}
    sides = _label_sides(chains)
    for edge, side in sides.items():
        if side == "way":
            chains[edge][1].make_room(text_width(edge.label), upright=upright)
    ranks: list[list[_Node]] = [[] for _ in range(1 + max((node.rank for node in nodes.values()), default=0))]
    for node in [*nodes.values(), *(way for chain in chains.values() for way in chain[1:-1])]:
        ranks[node.rank].append(node)
    _order(ranks)
    _mate(ranks)
    _place(ranks)
    _straighten(ranks, list(chains.values()))
    widest = max((text_width(edge.label) for edge in sides), default=0.0)
    frame = _Frame(direction, ranks, _RANK_GAP if upright else max(_RANK_GAP, widest + 3 * _LABEL_GAP))
    leftmost = {id(min(node.below, key=lambda other: other.across)) for node in nodes.values() if node.below}
    labels = {
        edge: frame.label(chain, sides[edge], text_width(edge.label), first=id(chain[1]) in leftmost)
        for edge, chain in chains.items()
        if edge in sides
    }
    layout = Layout(
        frame.size,
        upright,
        {key: frame.point(frame.along[node.rank], node.across) for key, node in nodes.items()},
        {edge: frame.path(chain, turned=chain[0] is not nodes[edge.tail]) for edge, chain in chains.items()},
        _without_repetitions(labels),
    )
    return _with_room(layout)


def _acyclic(keys: Iterable[str], edges: Iterable[Edge]) -> dict[Edge, tuple[str, str]]:
    """Each edge's ends, turned round where it would close a circle."""
    out: dict[str, list[Edge]] = {key: [] for key in keys}
    for edge in edges:
        out[edge.tail].append(edge)
    state = dict.fromkeys(out, 0)  # 1 on the path of the search, 2 behind it
    links: dict[Edge, tuple[str, str]] = {}
    targets = {edge.head for edge in edges}
    for root in sorted(out, key=lambda key: key in targets):
        path = [(root, iter(out[root]))] if state[root] == 0 else []
        state[root] = state[root] or 1
        while path:
            key, rest = path[-1]
            for edge in rest:
                links[edge] = (edge.head, edge.tail) if state[edge.head] == 1 else (edge.tail, edge.head)
                if state[edge.head] == 0:
                    state[edge.head] = 1
                    path.append((edge.head, iter(out[edge.head])))
                    break
            else:
                state[key] = 2
                path.pop()
    return {edge: links[edge] for edge in edges}


def _ranks(keys: Sequence[str], links: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Each box behind those that lead to it; one that nothing leads to just before what it leads to."""
    above: dict[str, set[str]] = {key: set() for key in keys}
    below: dict[str, set[str]] = {key: set() for key in keys}
    for tail, head in links:
        if tail != head:
            above[head].add(tail)
            below[tail].add(head)
    ranks = dict.fromkeys(keys, 0)
    waiting = {key: len(above[key]) for key in keys}
    ready = [key for key in keys if not above[key]]
    for key in ready:
        for head in below[key]:
            ranks[head] = max(ranks[head], ranks[key] + 1)
            waiting[head] -= 1
            if not waiting[head]:
                ready.append(head)
    for key in keys:
        if not above[key] and below[key]:
            ranks[key] = min(ranks[head] for head in below[key]) - 1
    return ranks


def _chain(tail: _Node, head: _Node) -> list[_Node]:
    """The nodes that an edge runs through, linked with each other."""
    ways = [_Node(rank, is_box=False) for rank in range(tail.rank + 1, head.rank)]
    chain = [tail, *ways, head]
    if tail is not head:
        for before, after in pairwise(chain):
            before.below.append(after)
            after.above.append(before)
    return chain


# The order within the ranks ------------------------------------------------------------------------------


def _order(ranks: list[list[_Node]]) -> None:
    """Sorts each rank by the mean place of its nodes' neighbours, downwards and upwards by turns, and keeps
    the order in which edges cross least."""
    for rank in ranks:
        _number(rank)
    best, least = [list(rank) for rank in ranks], _crossings(ranks)
    for sweep in range(_SWEEPS):
        for rank in ranks if sweep % 2 == 0 else reversed(ranks):
            rank.sort(key=lambda node: _mean(node.above if sweep % 2 == 0 else node.below, node.across))
            _number(rank)
        if (count := _crossings(ranks)) < least:
            best, least = [list(rank) for rank in ranks], count
    ranks[:] = best
    for rank in ranks:
        _number(rank)


def _number(rank: list[_Node]) -> None:
    """Places between 0 and 1, so that ranks of different lengths compare."""
    for index, node in enumerate(rank):
        node.across = (index + 0.5) / len(rank)


def _mean(nodes: Sequence[_Node], otherwise: float) -> float:
    return sum(node.across for node in nodes) / len(nodes) if nodes else otherwise


def _crossings(ranks: Sequence[Sequence[_Node]]) -> int:
    """How often edges cross between adjacent ranks."""
    count = 0
    for rank in ranks:
        heads = [head.across for node in rank for head in sorted(node.below, key=lambda head: head.across)]
        passed: list[float] = []
        for head in heads:
            count += sum(other > head for other in passed)
            passed.append(head)
    return count


# The places ----------------------------------------------------------------------------------------------


def _mate(ranks: Sequence[Sequence[_Node]]) -> None:
    """Finds the pairs that stand right behind each other: each leads the longest way through the other."""
    for rank in ranks:
        for node in rank:
            node.before = node.is_box + max((other.before for other in node.above), default=0)
    for rank in reversed(ranks):
        for node in rank:
            node.behind = node.is_box + max((other.behind for other in node.below), default=0)
    for rank in ranks:
        for node in rank:
            heir = _longest(node.below, [other.behind for other in node.below])
            if heir is not None and _longest(heir.above, [other.before for other in heir.above]) is node:
                node.mate_below, heir.mate_above = heir, node
                heir.column = node.column
            if node.is_box:
                node.column.append(node)


def _longest(nodes: Sequence[_Node], lengths: Sequence[int]) -> _Node | None:
    """The node with the greatest length, the middle one where an odd number has it; else None."""
    found = {node: None for node, length in zip(nodes, lengths, strict=True) if length == max(lengths)}
    in_order = sorted(found, key=lambda node: node.across)
    return in_order[len(in_order) // 2] if len(in_order) % 2 else None


def _place(ranks: list[list[_Node]]) -> None:
    """Moves the nodes of each rank towards their neighbours; their order stays, and so do the gaps."""
    for rank in ranks:
        _spread(rank, [(0.0, 1.0)] * len(rank))
    for sweep in range(2 * _SWEEPS):
        down = sweep % 2 == 0
        for rank in ranks if down else reversed(ranks):
            _spread(rank, [_wanted(node, down) for node in rank])


def _wanted(node: _Node, down: bool) -> tuple[float, float]:
    """The place that a node wants for its neighbours on one side, and how strongly. One that has none there
    looks to the other side; waypoints, which give way, count where there is no box."""
    from_above = bool(node.above) if down else not node.below
    mate, neighbours = (node.mate_above, node.above) if from_above else (node.mate_below, node.below)
    boxes = [other for other in neighbours if other.is_box]
    place = mate.across if mate is not None else _mean(boxes or neighbours, node.across)
    if not node.is_box:
        return place, _YIELDING
    return place, 1.0 if mate is None else float(len(node.column) ** _POWER)


def _spread(rank: list[_Node], wanted: Sequence[tuple[float, float]]) -> None:
    """The places nearest to the wanted ones, by weighted least squares, that leave the gaps between nodes."""
    offsets = [0.0]
    for left, right in pairwise(rank):
        offsets.append(offsets[-1] + _distance(left, right))
    # Without the offsets the places must only not decrease: adjacent ones that do are averaged.
    blocks: list[tuple[float, float, int]] = []
    for (want, weight), offset in zip(wanted, offsets, strict=False):
        blocks.append((want - offset, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (mean, mass, count), (before, earlier, more) = blocks.pop(), blocks.pop()
            together = mass + earlier
            blocks.append(((mean * mass + before * earlier) / together, together, count + more))
    places = (mean for mean, _, count in blocks for _ in range(count))
    for node, place, offset in zip(rank, places, offsets, strict=False):
        node.across = place + offset


def _distance(left: _Node, right: _Node) -> float:
    """How far apart neighbours in a rank are at least."""
    return left.right + right.left + (_BOX_GAP if left.is_box and right.is_box else _WAY_GAP)


def _straighten(ranks: Sequence[list[_Node]], chains: Sequence[Sequence[_Node]]) -> None:
    """Lets long edges run straight on, beside the widest of what they pass."""
    runs = [chain[1:-1] for chain in chains if len(chain) > 3]
    ends = {id(chain[1]): (chain[0].across + chain[-1].across) / 2 for chain in chains if len(chain) > 3}
    for _ in range(_STRAIGHTENINGS):
        for run in runs:
            places = [way.across for way in run]
            outermost = max(places) if _mean(run, 0) > ends[id(run[0])] else min(places)
            for way in run:
                way.across = outermost
        for rank in ranks:
            _spread(rank, [(node.across, _HELD if node.is_box else _YIELDING) for node in rank])


# From places along and across the ranks to places in the drawing --------------------------------------------

_Side = Literal["tail", "head", "way", "middle"]


def _label_sides(chains: Mapping[Edge, Sequence[_Node]]) -> dict[Edge, _Side]:
    """Where an edge's label has most room: where it leaves alone, where it arrives alone, on its way."""
    tails = Counter(id(chain[0]) for chain in chains.values())
    heads = Counter(id(chain[-1]) for chain in chains.values())

    def side(chain: Sequence[_Node]) -> _Side:
        if tails[id(chain[0])] == 1:
            return "tail"
        if heads[id(chain[-1])] == 1:
            return "head"
        return "way" if len(chain) > 2 else "middle"

    return {edge: side(chain) for edge, chain in chains.items() if edge.label}


def _without_repetitions(labels: Mapping[Edge, Point]) -> dict[Edge, Point]:
    """Leaves out a label where that of another edge of the same box tells the same in the same place."""
    kept: dict[Edge, Point] = {}
    for edge, (x, y) in labels.items():
        width = text_width(edge.label)
        if not any(
            (other.tail, other.label) == (edge.tail, edge.label) and abs(x - a) < width and abs(y - b) < LINE
            for other, (a, b) in kept.items()
        ):
            kept[edge] = (x, y)
    return kept


def _with_room(layout: Layout) -> Layout:
    """Makes a drawing so much wider that its labels do not stick out."""
    ends = [(x, x + text_width(edge.label)) for edge, (x, _) in layout.labels.items()]
    shift = max(0.0, _LABEL_GAP - min((left for left, _ in ends), default=inf))
    right = max([layout.size[0], *(right + _LABEL_GAP for _, right in ends)])

    def moved(point: Point) -> Point:
        return point[0] + shift, point[1]

    return Layout(
        (right + shift, layout.size[1]),
        layout.upright,
        {key: moved(centre) for key, centre in layout.centres.items()},
        {edge: [moved(point) for point in path] for edge, path in layout.paths.items()},
        {edge: moved(place) for edge, place in layout.labels.items()},
    )


class _Frame:
    """Where the ranks lie in the drawing. Places are first told as u along and v across the ranks."""

    def __init__(self, direction: Direction, ranks: Sequence[Sequence[_Node]], gap: float) -> None:
        everything = [node for rank in ranks for node in rank]
        self._upright = direction in ("TB", "BT")
        self._backwards = direction in ("BT", "RL")
        self._lowest = min((node.across - node.left for node in everything), default=0) - _MARGIN
        self._breadth = max((node.across + node.right for node in everything), default=0) + _MARGIN
        self._breadth -= self._lowest
        self._half = [max((node.depth for node in rank), default=0) / 2 for rank in ranks]
        self.along: list[float] = []
        self._depth = float(_MARGIN)
        for half in self._half:
            self.along.append(self._depth + half)
            self._depth += 2 * half + gap
        self._depth += _MARGIN - gap

    @property
    def size(self) -> Point:
        return (self._breadth, self._depth) if self._upright else (self._depth, self._breadth)

    def point(self, u: float, v: float) -> Point:
        u, v = self._depth - u if self._backwards else u, v - self._lowest
        return (v, u) if self._upright else (u, v)

    def path(self, chain: Sequence[_Node], *, turned: bool) -> list[Point]:
        """An edge's way: straight through the ranks, it moves across between them only."""
        places = self._places(chain)
        bends = [
            place
            for before, place, after in zip(places, places[1:], places[2:], strict=False)
            if not before[1] == place[1] == after[1]
        ]
        points = list(dict.fromkeys(self.point(u, v) for u, v in (places[0], *bends, places[-1])))
        return points[::-1] if turned else points

    def label(self, chain: Sequence[_Node], side: _Side, width: float, *, first: bool) -> Point:
        """The left end of a label's middle line: to the right of an upright edge and above another, unless
        the edge bends that way, or others that leave to the same side do and it is the ``first``."""
        places = self._places(chain)
        along, aside = (
            (10.0, _LABEL_GAP + width / 2) if self._upright else (_LABEL_GAP + width / 2, -LINE / 2)
        )
        if side == "tail":
            u, v = places[0][0] + along, places[0][1]
            aside = -aside if len(places) > 2 and places[2][1] > v else aside
        elif side == "head":
            u, v = places[-1][0] - along - 6, places[-1][1]
            before = places[-3][1] if len(places) > 2 else v
            aside = -aside if before > v or (before == v and first) else aside
        elif side == "way":
            u, v = self.along[chain[1].rank], chain[1].across
        else:
            (begin, here), (end, there) = places[0], places[-1]
            u, v = (begin + end) / 2, (here + there) / 2
            u += _BEND if here > there else -_BEND if here < there else 0
        x, y = self.point(u, v + aside)
        return x - width / 2, y

    def _places(self, chain: Sequence[_Node]) -> list[Point]:
        tail, *ways, head = chain
        first, last = tail.port(chain[1]), head.port(chain[-2])
        places = [(self.along[tail.rank] + tail.depth / 2, first)]
        if tail is not head:
            places.append((self.along[tail.rank] + self._half[tail.rank], first))
            for way in ways:
                middle, half = self.along[way.rank], self._half[way.rank]
                places += [(middle - half, way.across), (middle + half, way.across)]
            places.append((self.along[head.rank] - self._half[head.rank], last))
        return [*places, (self.along[head.rank] - head.depth / 2, last)]
