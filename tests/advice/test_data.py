"""What is learned from, and what is tested on."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from netspec.cli import main

SOLVER = 'net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 1 '
TESTED = "test_iter: 1 test_interval: 1 "
END = """
layer { name: "score" type: "InnerProduct" bottom: "data" top: "score"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }
"""
MIXED, SORTED = (1, 0, 2, 0, 1), (0, 0, 1, 2, 2)


def images(source, phase="", more="", transform="scale: 0.5"):
    include = f"include {{ phase: {phase} }}" if phase else ""
    return (
        f'layer {{ name: "images" type: "ImageData" top: "data" top: "label" {include}\n'
        f'  image_data_param {{ source: "{source}" batch_size: 2 {more} }}\n'
        f"  transform_param {{ {transform} }} }}\n"
    )


FED = 'layer { name: "fed" type: "Input" top: "%s" include { phase: TEST } input_param { shape { %s } } }\n'
FED = FED % ("data", "dim: 2 dim: 3 dim: 4 dim: 4") + FED.replace('"fed"', '"names"') % ("label", "dim: 2")


@pytest.fixture
def said(tmp_path, monkeypatch, capsys):
    """The names of the advice that `netspec check` gives on a net, or on a solver for it."""
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("a.png", np.zeros((4, 4, 3), np.uint8))
    for name, labels in (("mixed.txt", MIXED), ("sorted.txt", SORTED), ("other.txt", MIXED)):
        (tmp_path / name).write_text("".join(f"a.png {label}\n" for label in labels))

    def said(net, solver=""):
        (tmp_path / "net.prototxt").write_text(net + END)
        (tmp_path / "solver.prototxt").write_text(solver)
        assert main(["check", "solver.prototxt" if solver else "net.prototxt"]) == 0
        heads = [line for line in capsys.readouterr().err.splitlines() if ": warning: " in line]
        return [head.rpartition("[")[2].removesuffix("]") for head in heads]

    return said


DRAWN = """
layer { name: "digits" type: "ClutteredDigits" top: "data" top: "label"
  cluttered_digits_param { batch_size: 2 height: 28 width: 28 clutter: 0 } }
"""
TRAIN, TEST = images("mixed.txt", "TRAIN"), images("other.txt", "TEST")


@pytest.mark.parametrize(
    ("net", "solver", "found"),
    [
        (TRAIN, "", True),
        (TRAIN + TEST, "", False),
        (TRAIN + TEST, SOLVER, True),
        (TRAIN + TEST, SOLVER + TESTED, False),
        (TRAIN + FED, SOLVER + TESTED, True),
        (TEST, "", False),
    ],
)
def test_there_are_tests(net, solver, found, said):
    assert said(net, solver) == ["no-test-data"] * found


@pytest.mark.parametrize(
    ("net", "solver", "found"),
    [
        (images("mixed.txt"), "", True),
        (images("mixed.txt"), SOLVER + TESTED, True),
        (images("mixed.txt", "TRAIN") + images("mixed.txt", "TEST"), "", True),
        (TRAIN + TEST, "", False),
        (DRAWN, "", False),
    ],
)
def test_on_other_images(net, solver, found, said):
    assert said(net, solver) == ["test-on-training-data"] * found


@pytest.mark.parametrize(
    ("train", "test", "found"),
    [
        ("scale: 0.5", "scale: 0.5", 0),
        ("scale: 0.5 mirror: true crop_size: 4", "scale: 0.5 crop_size: 4", 0),
        ("", "scale: 1", 0),
        ("scale: 0.5", "", 1),
        ("mean_value: 100", "", 1),
        ("mean_value: 1 mean_value: 2 mean_value: 3", "mean_value: 3 mean_value: 2 mean_value: 1", 1),
        ("scale: 0.5 mean_value: 100", "", 1),
    ],
)
def test_that_are_transformed_alike(train, test, found, said):
    net = images("mixed.txt", "TRAIN", transform=train) + images("other.txt", "TEST", transform=test)
    assert said(net) == ["test-transform"] * found


@pytest.mark.parametrize(
    ("train", "found"),
    [
        (images("sorted.txt", "TRAIN"), True),
        (images("sorted.txt", "TRAIN", "shuffle: true"), False),
        (images("mixed.txt", "TRAIN"), False),
    ],
)
def test_classes_are_mixed(train, found, said):
    assert said(train + images("other.txt", "TEST")) == ["sorted-training-data"] * found


def test_a_net_without_a_loss_may_read_what_it_likes(said, tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text(images("sorted.txt", "TRAIN"))
    assert main(["check", "net.prototxt"]) == 0
    assert capsys.readouterr().err == ""
