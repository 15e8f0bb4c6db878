"""Curves of trainings: loss, outputs and learning rate over the iterations, several runs in one figure."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from netspec.viz.panels import Curve, label_of, panels_of, wants_log
from netspec.viz.training_log import Run, Series

FORMATS = (".png", ".svg", ".pdf")

# Okabe and Ito's colours, which people with any colour vision tell apart; the yellow is too faint for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK, FAINT = "#333333", "#DDDDDD"

WIDTH, PANEL_HEIGHT, HEAD = 9.0, 2.7, 0.7  # inches
DOTS_PER_INCH = 150
MOST_MARKERS = 40


def draw_curves(runs: Sequence[Run], names: Sequence[str]) -> Figure:
    """The curves of all series in the runs, a panel for the loss, for each kind of output, and for the rate.

    Args:
        runs: what to draw; each has a colour of its own where there are several.
        names: how the legend calls the runs.
    """
    curves = [Curve(index, series) for index, run in enumerate(runs) for series in run.series]
    panels = panels_of(sorted(curves, key=lambda curve: curve.series.source != "train"))
    height = PANEL_HEIGHT * len(panels) + HEAD
    figure = Figure(figsize=(WIDTH, height), dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)
    for axes, (title, curves) in zip(grid[:, 0], panels.items(), strict=True):
        _draw_panel(axes, title, curves, several=len(runs) > 1)
    grid[-1, 0].set_xlabel("iteration", color=INK)
    figure.align_ylabels()
    if len(runs) > 1:
        _name_runs(figure, names)
    else:
        figure.suptitle(_plain(names[0]), fontsize=11, color=INK)
    return figure


def save_figure(figure: Figure, file: Path) -> None:
    """Writes a figure in the format that the suffix of ``file`` names; equal figures give equal files.

    Raises:
        OSError: the file cannot be written.
    """
    settings: Any = {"svg.hashsalt": "netspec", "svg.fonttype": "none"}
    metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(file.suffix.lower())
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in letters that the font lacks
        figure.savefig(file, metadata=metadata)


# The panels ---------------------------------------------------------------------------------------------


def _draw_panel(axes: Axes, title: str, curves: Sequence[Curve], *, several: bool) -> None:
    labels = list(dict.fromkeys(label_of(curve.series, title) for curve in curves))
    for curve in curves:
        style = labels.index(label_of(curve.series, title))
        colour = curve.run if several else style
        _draw_curve(axes, curve.series, COLOURS[colour % len(COLOURS)], MARKERS[style % len(MARKERS)])
    _scale(axes, title, curves)
    axes.set_ylabel(_plain(title), color=INK)
    axes.grid(visible=True, color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(which="both", colors=INK, labelsize=9)
    axes.margins(x=0.02)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10], integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    if labels != [title]:
        _name_series(axes, labels, curves, title, several=several)


def _draw_curve(axes: Axes, series: Series, colour: str, marker: str) -> None:
    values = [value if math.isfinite(value) else math.nan for value in series.values]
    few = len(values) <= (1 if series.source == "train" else MOST_MARKERS)
    noisy = series.source == "train" and series.kind == "loss"
    axes.plot(
        series.iterations,
        values,
        color=colour,
        linestyle=_line(series),
        linewidth=1.1 if noisy else 1.7,
        alpha=0.8 if noisy else 1.0,  # it must not hide the others
        marker=marker if few else None,
        markersize=4.5,
        zorder=2 if noisy else 3,
    )


def _line(series: Series) -> Literal["-", "--", ":"]:
    if series.source != "train":
        return "--"
    return "-" if series.smoothed or series.kind == "rate" else ":"


def _scale(axes: Axes, title: str, curves: Sequence[Curve]) -> None:
    values = [value for curve in curves for value in curve.series.values if math.isfinite(value)]
    if wants_log(title, values):
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        narrow = max(values) / min(values) < 100
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5) if narrow else "auto"))
        axes.yaxis.set_minor_formatter("{x:g}" if narrow else NullFormatter())


# The words ----------------------------------------------------------------------------------------------


def _name_series(
    axes: Axes, labels: Sequence[str], curves: Sequence[Curve], title: str, *, several: bool
) -> None:
    """A legend of the series; where the colours stand for runs, it tells them by line and marker."""
    by_label = {label_of(curve.series, title): curve.series for curve in reversed(curves)}
    handles = []
    for index, label in enumerate(labels):
        series = by_label[label]
        colour = INK if several else COLOURS[index % len(COLOURS)]
        marker = MARKERS[index % len(MARKERS)] if series.source != "train" else None
        handles.append(Line2D([], [], color=colour, linestyle=_line(series), marker=marker, markersize=4.5))
    axes.legend(
        handles, [_plain(label) for label in labels], loc="best", fontsize=8, frameon=True, framealpha=0.85
    )


def _name_runs(figure: Figure, names: Sequence[str]) -> None:
    handles = [
        Line2D([], [], color=COLOURS[index % len(COLOURS)], linewidth=3) for index in range(len(names))
    ]
    columns = max(1, min(len(names), int(100 / (max(map(len, names)) + 8))))
    labels = [_plain(name) for name in names]
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, frameon=False, fontsize=9)


def _plain(text: str) -> str:
    """A text that stays as it is: dollars begin no formula."""
    return text.replace("$", r"\$")
