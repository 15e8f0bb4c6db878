"""What a classifier takes for what: counts, a picture of them, and tables of how each class fares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netspec.viz.curves import DOTS_PER_INCH, INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from netspec.compiler.net import Net
    from netspec.graph.graph import Node

Counts = NDArray[np.int64]

# The layers that hold scores against labels, those that judge before those that are minimised.
JUDGES = ("Accuracy", "SoftmaxWithLoss", "InfogainLoss", "MultinomialLogisticLoss", "HingeLoss")

_MOST_COUNTED = 25  # classes whose counts are still written into the picture
_MOST_NAMED = 60  # classes of which each has its number at the axes
_SPARSE = 10  # beyond, so many have


def judges(net: Net) -> list[Node]:
    """The layers that know scores and labels: Accuracy layers, or else losses."""
    for type in JUDGES:
        found = [node for node in net.graph.nodes if node.layer.spec.type == type]
        if found:
            return found
    return []


@contextmanager
def counting(net: Net, judge: Node) -> Iterator[Counts]:
    """Counts, as long as the block runs the net, how often items of class i (row) were taken for j (column).

    Labels that the judge ignores do not count. Of equal scores the first one wins.
    """
    known = judge.layer.class_labels
    assert known is not None, "a judge has labels"
    counts: Counts = np.zeros((known.classes, known.classes), np.int64)
    axis: int | None = getattr(judge.layer, "class_axis", None)

    def note(module: Any, bottoms: tuple[Tensor, ...], tops: Any) -> None:
        scores = bottoms[0].flatten(1) if axis is None else bottoms[0].reshape(-1, *bottoms[0].shape[axis:])
        said, truth = scores.argmax(1).flatten(), bottoms[1].flatten().long()
        counted = torch.ones_like(truth, dtype=torch.bool)
        for label in known.ignored:
            counted &= truth != label
        pairs = truth[counted] * known.classes + said[counted]
        counts[:] += torch.bincount(pairs, minlength=counts.size).reshape(counts.shape).cpu().numpy()

    hook = judge.layer.register_forward_hook(note)
    try:
        yield counts
    finally:
        hook.remove()


@dataclass(frozen=True)
class ClassScore:
    """How one class fares. Shares are NaN where nothing is to be divided.

    Attributes:
        items: how many there are of it.
        right: how many of them were taken for it.
        recall: right / items.
        precision: right / how many were taken for it.
        mistaken: the class that its items were most often mistaken for, and how often; None for never.
    """

    label: int
    items: int
    right: int
    recall: float
    precision: float
    mistaken: tuple[int, int] | None

    @property
    def f1(self) -> float:
        """The harmonic mean of recall and precision."""
        both = self.recall + self.precision
        return 2 * self.recall * self.precision / both if both > 0 else (0.0 if both == 0 else nan)


def accuracy(counts: Counts) -> float:
    """The share of items that were taken for what they are; NaN where there are none."""
    return float(counts.trace() / counts.sum()) if counts.sum() else nan


def class_scores(counts: Counts) -> list[ClassScore]:
    """How each class fares."""
    return [_class_score(counts, label) for label in range(len(counts))]


def _class_score(counts: Counts, label: int) -> ClassScore:
    items, taken, right = (
        int(n) for n in (counts[label].sum(), counts[:, label].sum(), counts[label, label])
    )
    others = counts[label].copy()
    others[label] = 0
    worst = int(others.argmax())
    mistaken = (worst, int(others[worst])) if others[worst] else None
    return ClassScore(label, items, right, _share(right, items), _share(right, taken), mistaken)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else nan


# Tables --------------------------------------------------------------------------------------------------

_HEADER = ("class", "items", "right", "recall", "precision", "F1", "mistaken for", "times")


def as_markdown(counts: Counts) -> str:
    """The classes' scores as a Markdown table, with a line for all of them."""
    rows = [_row(score, "{:.2%}", "") for score in class_scores(counts)]
    total = ("all", str(counts.sum()), str(counts.trace()), f"{accuracy(counts):.2%}", "", "", "", "")
    cells = [_HEADER, *rows, total]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_line(row, widths) for row in cells]
    lines.insert(1, f"|{'|'.join('-' * (width + 1) + ':' for width in widths)}|")
    return "\n".join([*lines, ""])


def as_csv(counts: Counts) -> str:
    """The classes' scores as comma-separated values; shares are numbers from 0 to 1."""
    rows = [_row(score, "{:.6g}", "nan") for score in class_scores(counts)]
    header = tuple(name.replace(" ", "_").lower() for name in _HEADER)
    return "\n".join([*(",".join(row) for row in [header, *rows]), ""])


def _row(score: ClassScore, share: str, none: str) -> tuple[str, ...]:
    shares = (
        none if value != value else share.format(value) for value in (score.recall, score.precision, score.f1)
    )
    mistaken = map(str, score.mistaken) if score.mistaken else ("", "0" if none else "")
    return (*map(str, (score.label, score.items, score.right)), *shares, *mistaken)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return f"| {' | '.join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))} |"


# The picture -----------------------------------------------------------------------------------------------


def draw_confusion(counts: Counts, title: str = "") -> Figure:
    """The matrix: each row in shades of its items' share, the counts in the cells where there is room."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    classes = len(counts)
    side = min(max(4.2, 0.42 * classes + 1.6), 11)
    figure = Figure(figsize=(side + 1.0, side + 0.5), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    items = counts.sum(1, keepdims=True)
    shares = np.divide(counts, items, out=np.zeros(counts.shape), where=items > 0)
    # A mistake that is made once in a hundred times is still to be seen.
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.45, vmin=0, vmax=1), interpolation="nearest")
    figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03, format=_percent(), label="share of the row")
    ticks = range(classes) if classes <= _MOST_NAMED else range(0, classes, -(-classes // _SPARSE))
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.tick_params(colors=INK, length=0, labelsize=9 if classes <= _MOST_COUNTED else 6)
    axes.tick_params(axis="x", labelrotation=0 if classes <= _MOST_COUNTED else 90)
    axes.set_xlabel("taken for", color=INK)
    axes.set_ylabel("is", color=INK)
    axes.set_title(title, fontsize=11, color=INK)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
    if classes <= _MOST_NAMED:
        axes.grid(which="minor", color="white", linewidth=1)
    axes.tick_params(which="minor", length=0)
    if classes <= _MOST_COUNTED:
        _write_counts(axes, counts, shares)
    return figure


def _percent() -> Any:
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(1, decimals=0)


def _write_counts(axes: Any, counts: Counts, shares: NDArray[np.float64]) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.3 else INK
            axes.text(column, row, str(count), ha="center", va="center", fontsize=8, color=colour)


TABLES: dict[str, Callable[[Counts], str]] = {".md": as_markdown, ".csv": as_csv}
