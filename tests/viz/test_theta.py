import pytest

from netspec.viz.theta import draw_thetas
from netspec.viz.training_log import Thetas


def thetas(layer="st", values=6, count=5):
    made = Thetas(layer, tuple(f"value {index}" for index in range(values)))
    for iteration in range(0, 10 * count, 10):
        made.add(iteration, 0.1, 1.5, [float(index + iteration) for index in range(values)])
    return made


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (6, ["value 0", "value 1", "value 2", "value 3", "value 4", "value 5"]),
        (2, ["value 0", "value 1"]),
        (18, None),
    ],
)
def test_each_value_has_a_line(values, names):
    means, largest, outside = draw_thetas([thetas(values=values)]).axes
    assert len(means.lines) == values
    assert means.lines[1].get_ydata().tolist() == [1, 11, 21, 31, 41]
    assert largest.lines[0].get_ydata().tolist() == [1.5] * 5
    assert outside.lines[0].get_xdata().tolist() == [0, 10, 20, 30, 40]
    legend = means.get_legend()
    assert (legend and [text.get_text() for text in legend.get_texts()]) == names


def test_a_column_for_each_transformer():
    figure = draw_thetas([thetas("st1"), thetas("$t2", 2)])
    assert len(figure.axes) == 6
    assert [axes.get_title() for axes in figure.axes[:2]] == ["st1", r"\$t2"]
    figure.canvas.draw()  # no formula begins


def test_many_points_have_no_markers():
    few, many = (draw_thetas([thetas(count=count)]).axes[0].lines[0].get_marker() for count in (5, 500))
    assert (few, many) == ("o", "None")
