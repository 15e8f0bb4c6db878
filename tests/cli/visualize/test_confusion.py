"""`netspec visualize confusion`."""

from __future__ import annotations

import csv
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import cv2
import numpy as np
import pytest

import netspec
from netspec.cli import main

RUN = "visualize confusion -model=net.prototxt -weights=run_iter_3.caffemodel -iterations=5"


def without_judges(text):
    """The net's text, ending in its scores."""
    return re.sub(r'layer \{ name: "(judge|loss)"[^\n]*(\n  include[^\n]*)?', "", text)


def rows():
    with Path("table.csv").open() as file:
        return list(csv.DictReader(file))


def test_matrix_and_tables(trained, capsys):
    assert main([*RUN.split(), "-o=matrix.png", "-table=table.md,table.csv"]) == 0
    told = capsys.readouterr().out
    found = re.fullmatch(r"matrix.png, table.md, table.csv: accuracy ([\d.]+)% over 20 items(; .*)?\n", told)
    assert cv2.imread("matrix.png").shape[2] == 3
    table = rows()
    assert sum(int(row["items"]) for row in table) == 20
    right = sum(int(row["right"]) for row in table)
    assert float(found[1]) == pytest.approx(100 * right / 20, abs=0.01)
    assert Path("table.md").read_text().count("\n") == 13


def test_the_counts_are_those_of_the_net(trained):
    text = Path("net.prototxt").read_text().replace("batch_size: 4", "batch_size: 64 seed: 5")
    Path("net.prototxt").write_text(text)
    assert main([*RUN.split(), "-table=table.csv", "-o=matrix.svg"]) == 0
    Path("open.prototxt").write_text(without_judges(text))
    net = netspec.compile_net("open.prototxt", weights="run_iter_3.caffemodel")
    counts = np.zeros((10, 10), int)
    for _ in range(5):
        out = net()
        pairs = zip(out["label"].long().tolist(), out["scores"].argmax(1).tolist(), strict=True)
        for truth, said in pairs:
            counts[truth, said] += 1
    net.close()
    assert [int(row["items"]) for row in rows()] == counts.sum(1).tolist()
    assert [int(row["right"]) for row in rows()] == counts.diagonal().tolist()
    root = ET.parse("matrix.svg").getroot()
    written = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    largest = str(counts.max())
    assert largest in written


def test_the_loss_judges_where_nothing_else_does(trained, capsys):
    assert main([*RUN.split(), "-phase=TRAIN"]) == 0
    assert main([*RUN.split(), "-layer=loss"]) == 0
    assert capsys.readouterr().out.count("over 20 items") == 2


WRONG = [
    (f"{RUN} -o matrix.gif", 2, "-o matrix.gif: expected a name that ends in .png, .svg or .pdf"),
    (f"{RUN} -table=table.txt", 2, "-table table.txt: expected a name that ends in .md or .csv"),
    (f"{RUN} -layer=jugde", 2, "did you mean 'judge'?"),
    ("visualize confusion -model=net.prototxt", 2, "-weights is missing"),
    (RUN.replace("net.p", "plain.p"), 1, "net 'plain' has no classes to confuse"),
    (f"{RUN} -table=none/table.csv", 1, "none/table.csv: error: cannot be written: No such file"),
]


@pytest.mark.parametrize(("command", "status", "message"), WRONG, ids=[command for command, *_ in WRONG])
def test_what_goes_wrong(trained, capsys, command, status, message):
    layers = without_judges(Path("net.prototxt").read_text())
    Path("plain.prototxt").write_text(layers.replace('"small"', '"plain"'))
    assert main(command.split()) == status
    assert message in capsys.readouterr().err
