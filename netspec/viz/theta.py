"""How the thetas of spatial transformers moved while a net was trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from netspec.viz.curves import COLOURS, DOTS_PER_INCH, FAINT, INK, MARKERS, MOST_MARKERS
from netspec.viz.training_log import Thetas

_WIDTH, _ROW = 5.2, 2.4  # inches of a transformer's column, and of a panel
_MOST_NAMED = 8  # values of theta that the legend still names


def draw_thetas(runs: Sequence[Thetas]) -> Figure:
    """A column for each transformer: the means of theta's values, its largest value, and the share
    outside."""
    panels: tuple[tuple[str, Callable[[Axes, Thetas], None]], ...] = (
        ("mean of theta", _draw_means),
        ("largest |theta|", _draw_largest),
        ("sampled outside", _draw_outside),
    )
    size = (max(7.0, _WIDTH * len(runs)), _ROW * len(panels) + 0.6)
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(panels), len(runs), sharex="col", squeeze=False)
    for column, thetas in enumerate(runs):
        grid[0, column].set_title(thetas.layer.replace("$", r"\$"), fontsize=11, color=INK)
        for row, (title, draw) in enumerate(panels):
            axes = grid[row, column]
            draw(axes, thetas)
            _dress(axes, title if column == 0 else "")
        grid[-1, column].set_xlabel("iteration", color=INK)
    figure.align_ylabels()
    return figure


def _draw_means(axes: Axes, thetas: Thetas) -> None:
    for index, name in enumerate(thetas.names):
        _draw(axes, thetas, [means[index] for means in thetas.means], index, name)
    if len(thetas.names) <= _MOST_NAMED:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1.03), fontsize=8, frameon=False)


def _draw_largest(axes: Axes, thetas: Thetas) -> None:
    _draw(axes, thetas, thetas.largest, 0)
    axes.set_ylim(bottom=0)


def _draw_outside(axes: Axes, thetas: Thetas) -> None:
    _draw(axes, thetas, thetas.outside, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=None))
    axes.set_ylim(bottom=0)


def _draw(axes: Axes, thetas: Thetas, values: Sequence[float], style: int, name: str = "") -> None:
    few = len(values) <= MOST_MARKERS
    axes.plot(
        thetas.iterations,
        values,
        label=name,
        color=COLOURS[style % len(COLOURS)],
        marker=MARKERS[style % len(MARKERS)] if few else None,
        markersize=3.5,
        linewidth=1.5,
    )


def _dress(axes: Axes, title: str) -> None:
    axes.set_ylabel(title, color=INK)
    axes.grid(visible=True, color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
    axes.margins(x=0.02)
