"""Curves: what is drawn where, and how it is called."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

from netspec.viz.curves import COLOURS, draw_curves, save_figure
from netspec.viz.training_log import Run, Series

STEPS = [0, 10, 20]


def series(source, name, kind="output", values=(0.2, 0.5, 0.9), smoothed=False):
    return Series(source, name, kind, smoothed, 1, STEPS[: len(values)], list(values))


def run(*extra, name="a"):
    losses = [
        series("test0", "loss", "loss", (2, 1, 0.9)),
        series("train", "loss", "loss", (2, 1.2, 1), smoothed=True),
    ]
    return Run(Path(f"{name}.log"), (*losses, *extra, series("train", "lr", "rate", (0.1, 0.1, 0.01))))


def panels(figure):
    return {axes.get_ylabel(): axes for axes in figure.axes}


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()] if axes.get_legend() else []


def test_the_panels_of_a_run():
    shares = series("test0", "accuracy"), series("test1", "top_5")
    figure = draw_curves([run(*shares, series("train", "size", values=(10, 20, math.nan)))], ["a"])
    found = panels(figure)
    assert list(found) == ["loss", "accuracy", "size", "learning rate"]
    assert legend(found["loss"]) == ["train loss", "test loss"]
    assert legend(found["accuracy"]) == ["test accuracy", "test1 top_5"]
    assert legend(found["learning rate"]) == []
    assert figure.axes[-1].get_xlabel() == "iteration"
    assert figure.get_suptitle() == "a"
    train, test = found["loss"].lines
    assert (list(train.get_xdata()), list(train.get_ydata())) == (STEPS, [2, 1.2, 1])
    assert list(test.get_ydata()) == [2, 1, 0.9]
    assert (train.get_linestyle(), test.get_linestyle()) == ("-", "--")
    assert [line.get_color() for line in (train, test)] == list(COLOURS[:2])


def test_terms_of_a_loss():
    figure = draw_curves([run(series("train", "aux", "loss", (1, 1, 1)))], ["a"])
    assert legend(panels(figure)["loss"]) == ["train loss", "train loss: aux", "test loss"]


def test_several_runs_have_a_colour_each():
    runs = [run(series("test0", "accuracy"), name=name) for name in "abc"]
    figure = draw_curves(runs, ["a", "b", "$c$"])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b", r"\$c\$"]
    found = panels(figure)
    assert legend(found["accuracy"]) == ["test accuracy"]
    assert [line.get_color() for line in found["accuracy"].lines] == list(COLOURS[:3])
    colours = {line.get_color(): line.get_linestyle() for line in found["loss"].lines}
    assert set(colours) == set(COLOURS[:3])


@pytest.mark.parametrize(
    ("values", "scale"), [((2, 1, 0.5), "linear"), ((100, 1, 0.5), "log"), ((100, 1, 0), "linear")]
)
def test_a_log_scale_where_it_helps(values, scale):
    figure = draw_curves([Run(Path("a"), (series("train", "loss", "loss", values, True),))], ["a"])
    assert panels(figure)["loss"].get_yscale() == scale


def test_a_rate_that_falls_by_steps():
    assert panels(draw_curves([run()], ["a"]))["learning rate"].get_yscale() == "log"


@pytest.mark.parametrize("values", [(math.nan,), (math.inf, -math.inf), (5,), (0, 0)])
def test_little_to_draw(tmp_path, values):
    figure = draw_curves([Run(Path("a"), (series("train", "loss", "loss", values, True),))], ["a"])
    save_figure(figure, tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_equal_figures_give_equal_files(tmp_path, suffix):
    names = ["_hidden", "数字 $x"]
    files = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for file in files:
        save_figure(draw_curves([run(), run()], names), file)
    first, second = (file.read_bytes() for file in files)
    assert first == second
    if suffix == ".svg":
        text = first.decode()
        assert all(name in text for name in ("_hidden", "数字", "$x", "train loss"))


def test_no_global_state_of_matplotlib():
    assert "matplotlib.pyplot" not in sys.modules or sys.modules["matplotlib.pyplot"].get_fignums() == []
