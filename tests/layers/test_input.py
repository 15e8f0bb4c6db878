import pytest


def test_a_shape_per_top(build):
    layer = build('type: "Input" input_param { shape { dim: 2 dim: 3 } shape { dim: 4 } }', tops=2)
    assert layer.shapes == [(2, 3), (4,)]


def test_one_shape_for_all(build):
    assert build('type: "Input" input_param { shape { dim: 2 } }', tops=3).shapes == [(2,)] * 3


@pytest.mark.parametrize(
    ("message", "marked", "param"),
    [
        ("a shape for each of its 2 tops, or one for all, found 0", "layer", ""),
        ("found 3", "input_param", "input_param { shape { } shape { } shape { } }"),
        ("no negative dim, found -1", "shape", "input_param { shape { dim: 2 dim: -1 } }"),
    ],
)
def test_refused(rejects, message, marked, param):
    rejects(message, marked, f'type: "Input" {param}', tops=2)


def test_bottoms_are_refused(rejects):
    rejects("takes 0 bottoms, not 1", '"b0"', 'type: "Input"', (2,))
