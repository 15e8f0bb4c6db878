import numpy as np
import pytest
import torch


def _layer(param):
    return f'type: "PriorBox" prior_box_param {{ {param} }}'


def _reference(plane, image, sizes, step, offset):
    boxes = []
    for i in range(plane[0]):
        for j in range(plane[1]):
            y, x = (i + offset) * step[0], (j + offset) * step[1]
            for width, height in sizes:
                left, right = (x - width / 2) / image[1], (x + width / 2) / image[1]
                boxes.append([left, (y - height / 2) / image[0], right, (y + height / 2) / image[0]])
    return np.array(boxes)


_ROOT = np.sqrt(2)


@pytest.mark.parametrize(
    ("param", "sizes"),
    [
        ("min_size: 20", [(20, 20)]),
        ("min_size: 20.9", [(20, 20)]),
        ("min_size: 20 max_size: 45", [(20, 20), (30, 30)]),
        ("min_size: 20 aspect_ratio: 2", [(20, 20), (20 * _ROOT, 20 / _ROOT), (20 / _ROOT, 20 * _ROOT)]),
        ("min_size: 20 aspect_ratio: 2 flip: false", [(20, 20), (20 * _ROOT, 20 / _ROOT)]),
        (
            "min_size: 20 aspect_ratio: 1 aspect_ratio: 4 aspect_ratio: 0.25 aspect_ratio: 4",
            [(20, 20), (40, 10), (10, 40)],
        ),
        (
            "min_size: 20 min_size: 10 max_size: 45 max_size: 40 aspect_ratio: 4 flip: false",
            [(20, 20), (30, 30), (40, 10), (10, 10), (20, 20), (20, 5)],
        ),
    ],
)
def test_sizes(build, param, sizes):
    layer = build(_layer(param), (2, 4, 3, 5), (2, 3, 60, 80))
    top = layer(torch.empty(2, 4, 3, 5), torch.empty(2, 3, 60, 80))
    assert layer.shapes == [tuple(top.shape)] == [(1, 2, 3 * 5 * 4 * len(sizes))]
    expected = _reference((3, 5), (60, 80), sizes, (20, 16), 0.5)
    np.testing.assert_allclose(top[0, 0].view(-1, 4), expected, rtol=1e-5, atol=1e-6)
    assert torch.equal(top[0, 1], torch.full_like(top[0, 1], 0.1))
    assert not layer.state_dict()


@pytest.mark.parametrize(
    ("param", "image", "step", "offset"),
    [
        ("step: 8", (60, 80), (8, 8), 0.5),
        ("step_h: 8 step_w: 4 offset: 0.25", (60, 80), (8, 4), 0.25),
        ("img_size: 30", (30, 30), (10, 6), 0.5),
        ("img_h: 30 img_w: 40", (30, 40), (10, 8), 0.5),
        ("img_h: 30 img_w: 40 step: 2", (30, 40), (2, 2), 0.5),
    ],
)
def test_centres(build, param, image, step, offset):
    layer = build(_layer(f"min_size: 20 {param}"), (1, 4, 3, 5), (1, 3, 60, 80))
    top = layer(torch.empty(1, 4, 3, 5), torch.empty(1, 3, 60, 80))
    expected = _reference((3, 5), image, [(20, 20)], step, offset)
    np.testing.assert_allclose(top[0, 0].view(-1, 4), expected, rtol=1e-5, atol=1e-6)


def test_another_size_at_run_time(build):
    layer = build(_layer("min_size: 20"), (1, 4, 3, 5), (1, 3, 60, 80))
    top = layer(torch.empty(1, 4, 2, 2), torch.empty(1, 3, 40, 40))
    np.testing.assert_allclose(
        top[0, 0].view(-1, 4), _reference((2, 2), (40, 40), [(20, 20)], (20, 20), 0.5), rtol=1e-6
    )


def test_clip_and_variances(build):
    layer = build(
        _layer("min_size: 90 clip: true variance: 0.1 variance: 0.2 variance: 0.3 variance: 0.4"),
        (1, 1, 2, 2),
        (1, 3, 60, 80),
    )
    corners, variances = layer(torch.empty(1, 1, 2, 2), torch.empty(1, 3, 60, 80))[0].view(2, 4, 4)
    assert corners.min() == 0
    assert corners.max() == 1
    torch.testing.assert_close(variances, torch.tensor([[0.1, 0.2, 0.3, 0.4]]).expand(4, 4))


def test_types_of_the_top(build):
    layer, image = build(_layer("min_size: 9"), (1, 1, 2, 2), (1, 3, 8, 8)), torch.empty(1, 3, 8, 8)
    assert layer(torch.empty(1, 1, 2, 2, dtype=torch.bfloat16), image).dtype == torch.float32
    assert layer(torch.empty(1, 1, 2, 2, dtype=torch.float64), image).dtype == torch.float64


@pytest.mark.parametrize(
    ("message", "marked", "param"),
    [
        ("min_size must be given", "prior_box_param", "step: 2"),
        ("min_size must be given and above 0", "0", "min_size: 0"),
        ("max_size is given 1 times, min_size 2 times", "30", "min_size: 10 min_size: 20 max_size: 30"),
        ("max_size must be larger than min_size", "10", "min_size: 10 max_size: 10"),
        ("aspect_ratio must be above 0", "-1", "min_size: 10 aspect_ratio: -1"),
        ("one number or four", "3", "min_size: 10 variance: 3 variance: 4"),
        ("either img_size, or img_h and img_w", "30", "min_size: 10 img_h: 30"),
        ("either step, or step_h and step_w", "5", "min_size: 10 step: 3 step_w: 5"),
        ("step must be above 0", "0", "min_size: 10 step: 0"),
    ],
)
def test_parameters(rejects, message, marked, param):
    text = _layer(param)
    rejects(message, marked, text, (1, 1, 2, 2), (1, 3, 8, 8))


def test_bottoms(rejects):
    rejects("takes 2 bottoms, not 1", "layer", _layer("min_size: 9"), (1, 1, 2, 2))
    rejects("must be NxCxHxW", '"b1"', _layer("min_size: 9"), (1, 1, 2, 2), (1, 3))


@pytest.mark.parametrize(("field", "value"), [("min_size", "nan"), ("min_size", "inf"), ("max_size", "inf")])
def test_sizes_that_are_no_numbers(rejects, field, value):
    fields = f"{field}: {value}" if field == "min_size" else f"min_size: 3 {field}: {value}"
    text = f'type: "PriorBox" prior_box_param {{ {fields} }}'
    rejects(f"{field} must be a finite number", value, text, (1, 2, 3, 4), (1, 3, 30, 40))
