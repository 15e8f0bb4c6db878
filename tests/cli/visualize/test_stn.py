"""`netspec visualize stn`."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

import netspec
from netspec.cli import main
from netspec.viz.stn import DOT, HEADER, LARGEST_CELL, MARGIN

NET = "visualize stn -model=net.prototxt"
WEIGHTS = "-weights=run_iter_3.caffemodel"
SNAPSHOTS = [f"run_iter_{number}.caffemodel" for number in (1, 2, 3)]


def shown(path):
    return cv2.imread(path).shape


def frames(path):
    with Image.open(path) as film:
        return film.n_frames, film.size


def test_items(trained, capsys):
    assert main([*NET.split(), WEIGHTS]) == 0
    assert capsys.readouterr().out == "stn.png: look, 9 items\n"
    assert shown("stn.png")[1] == 1200
    assert main([*NET.split(), WEIGHTS, "-count", "1", "-o", "one.jpg", "-layer=look"]) == 0
    assert shown("one.jpg")[1] == 620


def test_the_dots_lie_where_theta_says(trained):
    # The net's own theta is 0.8 all around and a shift of what its layer makes of nothing: its bias.
    net = netspec.compile_net("net.prototxt", weights="run_iter_3.caffemodel")
    weight, bias = net.params["where"]
    weight.data.zero_()
    bias.data.copy_(torch.tensor([0.1, -0.15]))
    net.save_weights("still.caffemodel")
    net.close()
    assert main([*NET.split(), "-weights=still.caffemodel", "-count=1"]) == 0
    picture = cv2.imread("stn.png")
    side, left = LARGEST_CELL * (1 - 2 * MARGIN), round(LARGEST_CELL * MARGIN)
    for row, column in ((-1, -1), (-1, 1), (1, 1), (1, -1)):
        x = (0.8 * column - 0.15 + 1) / 2 * side + left - 0.5
        y = (0.8 * row + 0.1 + 1) / 2 * side + left + HEADER - 0.5
        assert np.array_equal(picture[round(y), round(x)], DOT)


def test_a_film_of_pages(trained, capsys):
    assert main([*NET.split(), WEIGHTS, "-count=2", "-iterations=5", "-o=items.gif"]) == 0
    assert capsys.readouterr().out == "items.gif: look, 10 items on 5 pages\n"
    assert frames("items.gif")[0] == 5


def test_during_training(trained, capsys):
    assert main([*NET.split(), "-during", *reversed(SNAPSHOTS), "-o", "strip.png"]) == 0
    assert capsys.readouterr().out == "strip.png: look, 3 snapshots, 4 items\n"
    assert main([*NET.split(), "-during", *SNAPSHOTS, "-o", "film.gif"]) == 0
    assert frames("film.gif")[0] == 3
    states = [name.replace("caffemodel", "solverstate") for name in SNAPSHOTS]
    assert main([*NET.split(), "-during", *states, "-o", "states.gif"]) == 0
    assert Path("states.gif").read_bytes() == Path("film.gif").read_bytes()


def test_the_same_images_at_each_snapshot(trained):
    assert main([*NET.split(), "-during", SNAPSHOTS[0], SNAPSHOTS[0], "-o", "strip.png"]) == 0
    picture = cv2.imread("strip.png")
    cell = (1200 - 92) // 8
    first, second = (picture[HEADER + row * cell :][:cell] for row in (0, 1))
    assert np.array_equal(first, second)
    assert first.std() > 10


@pytest.fixture
def track(trained):
    """Twelve images of a square that moves, larger than the net takes."""
    for number in range(12):
        image = np.zeros((32, 32), np.uint8)
        image[8:16, number : number + 8] = 255
        cv2.imwrite(f"{number}.png", image)
    Path("track.txt").write_text("".join(f"{number}.png 3\n" for number in range(12)))


def test_a_sequence(track, capsys):
    transform = ["-transform_param", "scale: 0.00390625"]
    assert main([*NET.split(), WEIGHTS, "-sequence=track.txt", *transform, "-o=track.gif"]) == 0
    assert capsys.readouterr().out == "track.gif: look, 12 images\n"
    assert frames("track.gif")[0] == 12
    assert main([*NET.split(), WEIGHTS, "-sequence=track.txt", "-count=7", "-o=track.png"]) == 0
    assert capsys.readouterr().out == "track.png: look, 7 images\n"


def test_several_transformers(trained, capsys):
    text = Path("net.prototxt").read_text()
    second = (
        'layer { name: "again" type: "SpatialTransformer" bottom: "seen" bottom: "theta" top: "closer" '
        "st_param { output_H: 4 output_W: 4 theta_1_1: 0.5 theta_1_2: 0 theta_2_1: 0 theta_2_2: 0.5 } }"
    )
    Path("net.prototxt").write_text(text + second)
    assert main([*NET.split(), WEIGHTS, "-o", "both.png"]) == 0
    assert main([*NET.split(), WEIGHTS, "-o", "again.png", "-layer=again"]) == 0
    assert capsys.readouterr().out == "both.png: look, again, 9 items\nagain.png: again, 9 items\n"
    assert shown("both.png")[0] > 1.8 * shown("again.png")[0]


WRONG = [
    (f"{NET} {WEIGHTS} -o stn.pdf", 2, "-o stn.pdf: expected a name that ends in .png"),
    (f"{NET} {WEIGHTS} -o none/stn.png", 1, "there is no folder 'none'"),
    (f"{NET} {WEIGHTS} -layer=lok", 2, "did you mean 'look'? spatial transformers: look"),
    (f"{NET}", 2, "-weights is missing"),
    (f"{NET} -weights=none.caffemodel", 1, "none.caffemodel"),
    (f"{NET} -during none.caffemodel", 1, "none.caffemodel"),
    (f"{NET} -during none.solverstate", 1, "none.solverstate"),
    (f"{NET} {WEIGHTS} -sequence=none.txt", 1, "none.txt: error: no such image list"),
    (f"{NET} {WEIGHTS} -sequence=none.txt -during a", 2, "-during and -sequence exclude each other"),
    (f"visualize stn -model=none.prototxt {WEIGHTS}", 1, "none.prototxt"),
    (f"visualize stn -model=plain.prototxt {WEIGHTS}", 1, "net 'plain' has no spatial transformer"),
    (f"visualize stn -model=deploy.prototxt {WEIGHTS}", 2, "takes 'data' from outside"),
    ("visualize sth", 2, "unknown tool 'sth'"),
]


@pytest.mark.parametrize(("command", "status", "message"), WRONG, ids=[command for command, *_ in WRONG])
def test_what_goes_wrong(trained, capsys, command, status, message):
    before = set(Path().iterdir())
    data = 'layer { name: "data" type: "Input" top: "data" '
    data += "input_param { shape { dim: [4, 1, 16, 16] } } }"
    kept = Path("net.prototxt").read_text().split("layer {")
    where, look = kept[2:4]
    Path("plain.prototxt").write_text(f'name: "plain" {data} layer {{ {where}')
    Path("deploy.prototxt").write_text(f'name: "deploy" {data} layer {{ {where} layer {{ {look}')
    assert main(command.split()) == status
    assert message in capsys.readouterr().err
    assert set(Path().iterdir()) - before == {Path("plain.prototxt"), Path("deploy.prototxt")}
