"""Which curves of a training belong into one panel, how they are called, and on which scale they are seen."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netspec.viz.training_log import Series

# A blob with more numbers than this is no score but a result: its curves are drawn when asked for.
MOST_ELEMENTS = 10

# From which ratio of the largest to the smallest value on a linear scale hides the small ones.
LOG_LOSS, LOG_RATE = 50, 10


@dataclass(frozen=True)
class Curve:
    """A series of one of several runs."""

    run: int
    series: Series


def chosen(series: Sequence[Series], wanted: Sequence[str] = ()) -> Iterator[Series]:
    """The series to draw: those of the ``wanted`` blobs, or all scores. A net's only train loss is left out:
    the smoothed one shows the same."""
    train_losses = [one for one in series if one.source == "train" and one.kind == "loss"]
    for one in series:
        asked = one.blob in wanted if wanted else one.elements <= MOST_ELEMENTS
        if asked and not (one in train_losses and not one.smoothed and len(train_losses) == 2):
            yield one


def panels_of(curves: Sequence[Curve]) -> dict[str, list[Curve]]:
    """What goes together: losses, shares between 0 and 1, each other output by itself, the learning rate."""
    outputs = [curve for curve in curves if curve.series.kind == "output"]
    by_name: dict[str, list[Curve]] = {}
    for curve in outputs:
        by_name.setdefault(curve.series.blob, []).append(curve)
    shares = {name: group for name, group in by_name.items() if all(map(_is_share, group))}
    panels = {"loss": [curve for curve in curves if curve.series.kind == "loss"]}
    if shares:
        panels[_title(shares)] = [curve for group in shares.values() for curve in group]
    panels |= {name: group for name, group in by_name.items() if name not in shares}
    panels["learning rate"] = [curve for curve in curves if curve.series.kind == "rate"]
    return {title: group for title, group in panels.items() if group}


def _is_share(curve: Curve) -> bool:
    return all(0 <= value <= 1 for value in curve.series.values if math.isfinite(value))


def _title(shares: dict[str, list[Curve]]) -> str:
    return next(iter(shares)) if len(shares) == 1 else "accuracy" if "accuracy" in shares else "outputs"


def label_of(series: Series, title: str) -> str:
    """What the legend of a panel calls a series: "train loss", "test accuracy", a term "train loss: name"."""
    if series.kind == "rate":
        return title
    source = "test" if series.source == "test0" else series.source
    term = "loss: " if series.kind == "loss" and source == "train" and not series.smoothed else ""
    return f"{source} {term}{series.name}"


def wants_log(title: str, values: Sequence[float]) -> bool:
    """Whether the finite values of a panel are better seen on a logarithmic scale."""
    enough = {"loss": LOG_LOSS, "learning rate": LOG_RATE}.get(title, math.inf)
    return bool(values) and min(values) > 0 and max(values) / min(values) >= enough
