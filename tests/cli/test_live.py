"""`netspec train -report`: what the page tells, at each point of a training and whatever becomes of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import cv2
import pytest

from netspec.cli import live, main
from netspec.cli.live import LiveReport
from netspec.errors import UsageError, WeightsError
from netspec.solver import events
from netspec.solver.trainer import Solver

HTML = "{http://www.w3.org/1999/xhtml}"
TRAIN = ["train", "-solver", "solver.prototxt", "-no-picture"]
REPORT = [*TRAIN, "-report", "out"]


@pytest.fixture
def eager(monkeypatch):
    """Lets every event have its page, and every test its picture."""
    monkeypatch.setattr(live, "LEAST", 0.0)
    monkeypatch.setattr(live, "SHARE", 1e9)


def edit(old, new):
    text = Path("solver.prototxt").read_text()
    assert old in text
    Path("solver.prototxt").write_text(text.replace(old, new))


def read(folder="out"):
    """The page's elements and its data."""
    root = ET.fromstring((Path(folder) / "index.html").read_text(encoding="utf-8"))
    return root, json.loads(root.find(f".//{HTML}script[@id='data']").text)


def text_of(root, id):
    return " ".join("".join(root.find(f".//*[@id='{id}']").itertext()).split())


def records(folder="out"):
    return [json.loads(line) for line in (Path(folder) / "events.jsonl").read_text().splitlines()]


def test_a_training(folder, capsys, eager, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/there/netspec", "train", "-solver", "a file"])
    assert main(REPORT) == 0
    root, data = read()
    assert data["state"] == "finished"
    assert root.find(f"{HTML}head/{HTML}title").text == "small"
    assert {panel["title"] for panel in data["panels"]} >= {
        "loss",
        "accuracy",
        "learning rate",
        "look: mean of theta",
        "look: largest |theta|",
        "look: sampled outside of the image",
    }
    assert Path("solver.prototxt").read_text().strip() in "".join(
        root.find(".//*[@id='text-list']").itertext()
    )
    assert 'type: "SpatialTransformer"' in text_of(root, "text-list")
    assert "netspec train -solver 'a file'" in text_of(root, "run-facts")
    for told in ("random seed7", "devicecpu", str(Path.cwd()), "run_iter_4.caffemodel", "Number of cores"):
        assert told in text_of(root, "run-facts")
    assert "data-layer" in json.loads(root.find(".//*[@id='drawing']").text)
    pictures = [figure.get("data-iteration") for figure in root.iter(f"{HTML}figure")]
    assert pictures == ["0", "4"]
    assert cv2.imread("out/pictures/iter_4.jpg").shape[2] == 3
    accuracy = next(record for record in reversed(records()) if record["event"] == "tested")["outputs"][
        "accuracy"
    ]
    assert f"{100 * accuracy:.4g} %" in text_of(root, "tiles")
    assert not list(Path("out").glob(".*"))


def test_the_page_while_it_goes_on(folder, capsys, eager, monkeypatch):
    seen = []
    update = Solver.update

    def looked_at(self, rate):
        root, data = read()
        seen.append((data["state"], data["live"], root.find(f".//{HTML}progress").get("value")))
        update(self, rate)

    monkeypatch.setattr(Solver, "update", looked_at)
    assert main(REPORT) == 0
    assert seen == [("running", True, str(iteration)) for iteration in range(4)]
    assert read()[1]["live"] is False


def test_training_is_the_same_to_the_bit(folder, capsys, eager):
    edit("test_interval: 4", "test_interval: 1")
    files = ("run_iter_4.caffemodel", "run_iter_4.solverstate")
    assert main([*TRAIN, "-log_jsonl=plain.jsonl"]) == 0
    plain = [Path(file).read_bytes() for file in files]
    assert main([*REPORT, "-log_jsonl=told.jsonl"]) == 0
    assert [Path(file).read_bytes() for file in files] == plain
    outputs = [
        [record.get("outputs") for record in map(json.loads, Path(log).read_text().splitlines())]
        for log in ("plain.jsonl", "told.jsonl")
    ]
    assert outputs[0] == outputs[1]
    assert len(list(Path("out/pictures").iterdir())) == 5


def test_a_training_that_goes_on_has_one_report(folder, capsys, eager):
    assert main([*REPORT, "-iterations=2"]) == 0
    root, data = read()
    assert data["state"] == "stopped"
    assert main([*REPORT, "-resume=auto"]) == 0
    root, data = read()
    assert data["state"] == "finished"
    loss = next(panel for panel in data["panels"] if panel["title"] == "loss")
    assert loss["curves"][0]["x"] == [0, 2, 4]
    runs = text_of(root, "run-facts")
    assert "Resumed" in runs
    assert "stopped" in runs
    assert [figure.get("data-iteration") for figure in root.iter(f"{HTML}figure")] == ["0", "4"]


def test_a_new_training_in_the_same_folder(folder, capsys, eager):
    assert main(REPORT) == 0
    assert main([*REPORT, "-iterations=2"]) == 0
    root, data = read()
    loss = next(panel for panel in data["panels"] if panel["title"] == "loss")
    assert loss["curves"][0]["x"] == [0]
    assert "Resumed" not in text_of(root, "run-facts")
    assert sorted(file.name for file in Path("out/pictures").iterdir()) == ["iter_0.jpg", "iter_2.jpg"]


def test_a_training_that_fails(folder, capsys):
    edit("base_lr: 0.01", "base_lr: 1e38")
    assert main(REPORT) == 1
    root, data = read()
    assert (data["state"], data["live"]) == ("failed", False)
    assert "is not finite" in text_of(root, "head")


def test_a_solver_that_cannot_be_read(folder, capsys):
    edit('net: "net.prototxt"', 'net: "none.prototxt"')
    assert main(REPORT) == 1
    root, data = read()
    assert data["state"] == "failed"
    assert "none.prototxt" in text_of(root, "head")


def test_a_net_whose_test_has_no_transformer(folder, capsys):
    edit("test_iter: 2\ntest_interval: 4\n", "")
    assert main(REPORT) == 0
    assert "the solver has none" in text_of(read()[0], "pictures")


def test_after_a_kill_the_page_is_whole(folder):
    edit("max_iter: 4", "max_iter: 1000000")
    command = [sys.executable, "-m", "netspec", *REPORT]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        seen = next(line for line in process.stderr if "Iteration 50 " in line)
        process.send_signal(signal.SIGKILL)
    assert seen
    root, data = read()
    assert (data["state"], data["live"]) == ("running", True)
    assert text_of(root, "head").startswith("small")


def test_a_full_disk_ends_the_report_but_not_the_training(folder, capsys, monkeypatch, eager):
    write = live.write_atomically

    def full(path, parts):
        if Path("run_iter_2.caffemodel").exists():
            raise WeightsError.at("cannot be written: No space left on device", file=str(path))
        write(path, parts)

    edit("max_iter", "snapshot: 2\nmax_iter")
    monkeypatch.setattr(live, "write_atomically", full)
    assert main(REPORT) == 0
    error = capsys.readouterr().err
    assert error.count("-report: no more pages") == 1
    assert "No space left on device" in error
    assert read()[1]["state"] == "running"


def test_a_picture_that_cannot_be_drawn_is_no_reason_to_stop(folder, capsys, monkeypatch, eager):
    monkeypatch.setattr(live.LivePictures, "draw", lambda self, iteration: 1 / 0)
    assert main(REPORT) == 0
    assert capsys.readouterr().err.count("-report: no more pictures: division by zero") == 1
    assert read()[1]["state"] == "finished"


def test_folders_that_will_not_do(folder, tmp_path):
    with pytest.raises(UsageError, match=r"-report net\.prototxt: (Not a directory|File exists)"):
        LiveReport(Path("net.prototxt"))
    Path("site").mkdir()
    Path("site/index.html").write_text("mine")
    with pytest.raises(UsageError, match="no report"):
        LiveReport(Path("site"))
    assert Path("site/index.html").read_text() == "mine"
    Path("other").mkdir()
    Path("other/events.jsonl").write_text("mine\n")
    with pytest.raises(UsageError, match=r"-report other.events\.jsonl: the file holds something else"):
        LiveReport(Path("other"))


def test_pages_are_as_rare_as_they_are_dear(tmp_path, monkeypatch):
    now, pages = [0.0], []
    monkeypatch.setattr(live, "monotonic", lambda: now[0])

    def written(path, parts):
        now[0] += 0.1
        pages.append(now[0])

    monkeypatch.setattr(live, "write_atomically", written)
    with LiveReport(tmp_path) as report:
        report(events.Started("n", 0, 10_000, "cpu", 1, "fixed"))
        pages.clear()
        for iteration in range(10_000):
            now[0] += 0.1
            report(events.Iterated(iteration, None, 1))
    share = 0.1 * len(pages) / now[0]
    assert share < 0.01
    assert len(pages) > 50
    assert pages[1] - pages[0] >= live.LEAST
