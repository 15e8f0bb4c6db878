"""`netspec visualize report`."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from netspec.cli import main

HTML = "{http://www.w3.org/1999/xhtml}"
TRAIN = ["train", "-solver", "solver.prototxt", "-no-picture"]


def read(file):
    root = ET.fromstring(Path(file).read_text(encoding="utf-8"))
    return root, json.loads(root.find(f".//{HTML}script[@id='data']").text)


def test_lines_of_json_give_a_page(folder, capsys):
    assert main([*TRAIN, "-log_jsonl=run.jsonl"]) == 0
    assert main(["visualize", "report", "run.jsonl"]) == 0
    assert capsys.readouterr().out.endswith("report.html: up to iteration 4\n")
    root, data = read("report.html")
    assert (data["state"], data["live"]) == ("finished", False)
    assert data["panels"][0]["curves"][0]["x"] == [0, 2, 4]
    assert root.find(f"{HTML}head/{HTML}title").text == "small"


def test_a_folder_gives_the_page_anew(folder, capsys):
    assert main([*TRAIN, "-report=out"]) == 0
    Path("out/index.html").unlink()
    assert main(["visualize", "report", "out", "-o=page.html"]) == 0
    root, _ = read("page.html")
    assert len(list(root.iter(f"{HTML}img"))) == len(list(Path("out/pictures").iterdir())) > 0
    assert len(root.find(".//*[@id='drawing']").text) > 1000


def test_a_log_as_caffe_writes_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("caffe.log").write_text("] Iteration 0, loss = 2.5\n] Iteration 100, loss = 1.5\n")
    assert main(["visualize", "report", "caffe.log"]) == 0
    root, data = read("report.html")
    assert data["state"] == "unfinished"
    assert data["panels"][0]["curves"][0]["y"] == [2.5, 1.5]
    assert root.find(f"{HTML}head/{HTML}title").text == "caffe"


@pytest.mark.parametrize(
    ("argv", "status", "message"),
    [
        (["none.jsonl"], 1, "none.jsonl: error: the log cannot be read"),
        (["net.prototxt"], 1, "net.prototxt: error: the log tells of no training"),
        (["net.prototxt", "-o=a.png"], 2, "expected a name that ends in .html or .htm"),
    ],
)
def test_what_goes_wrong(folder, capsys, argv, status, message):
    assert main(["visualize", "report", *argv]) == status
    assert message in capsys.readouterr().err
