"""The page of a training: whole in itself, well-formed, with all that is told in it, and never too large."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from importlib.resources import files
from itertools import pairwise

import pytest

from netspec.viz import report_page
from netspec.viz.report import Report
from netspec.viz.report_page import draw_report

HTML = "{http://www.w3.org/1999/xhtml}"
NASTY = 'a </script> & <b> "quoted" \x1b[1m'


def report_of(*records, folder=None):
    report = Report(folder)
    for second, (event, iteration, fields) in enumerate(records):
        report.add(json.dumps({"event": event, "time": 1000.0 + second, "iteration": iteration, **fields}))
    return report


def displayed(iteration, loss):
    told = {"loss": loss, "lr": 0.1, "iterations_per_second": 5.0, "images_per_second": 40.0, "waited": 0.25}
    return "displayed", iteration, {**told, "outputs": {"loss": loss}, "loss_weights": {"loss": 1}}


def scored(iteration, accuracy, loss=1.5):
    return (
        "tested",
        iteration,
        {"net": 0, "outputs": {"accuracy": accuracy, "loss": loss}, "loss_weights": {"loss": 1}},
    )


OPENED = (
    "opened",
    0,
    {"command": f"netspec train {NASTY}", "folder": "/there", "versions": {"netspec": "1.2"}},
)
DESCRIBED = (
    "described",
    0,
    {
        "texts": [
            ["solver", "solver.prototxt", f"base_lr: 0.1 # {NASTY}"],
            ["net", "net.prototxt", "layer {}"],
        ],
        "machine": [["Processor", "abacus"]],
        "accuracies": {"test0": ["accuracy"]},
        "images": 8,
        "warnings": ["net.prototxt:1:1: warning: odd"],
        "no_pictures": "",
    },
)
STARTED = "started", 0, {"net": NASTY, "last": 100, "device": "cpu", "random_seed": 77, "lr_policy": "fixed"}
STARTED_AGAIN = "started", 30, STARTED[2]
THETA = {"theta": [1, 0], "names": ["theta_1_1", "t1"]}
RUN = (
    OPENED,
    DESCRIBED,
    STARTED,
    ("notice", 0, {"message": f"remark {NASTY}", "severity": "warning"}),
    scored(0, 0.1),
    displayed(0, "nan"),
    ("transformed", 0, {"layer": "st", "outside": 0.5, "largest": 2.0, **THETA}),
    displayed(10, 2.5),
    scored(20, 0.8, 0.5),
    scored(30, 0.7),
    ("snapshotted", 30, {"weights": "run_iter_30.caffemodel", "state": "run_iter_30.solverstate"}),
)


def parsed(page):
    root = ET.fromstring(page)
    return root, json.loads(root.find(f".//{HTML}script[@id='data']").text)


def text_of(root, id):
    return " ".join("".join(root.find(f".//*[@id='{id}']").itertext()).split())


def test_the_page_is_well_formed_and_tells_everything():
    root, data = parsed(draw_report(report_of(*RUN), written=2000.0, live=True))
    assert root.find(f"{HTML}head/{HTML}title").text == NASTY.replace("\x1b", "")
    assert {(panel["place"], panel["title"]) for panel in data["panels"]} == {
        ("curves", "loss"),
        ("curves", "accuracy"),
        ("curves", "learning rate"),
        *(("rates", title) for title in report_page._RATES.values()),
        *(
            ("theta", f"st: {what}")
            for what in ("mean of theta", "largest |theta|", "sampled outside of the image")
        ),
    }
    by_title = {panel["title"]: panel for panel in data["panels"]}
    train, test = by_title["loss"]["curves"]
    assert (train["name"], train["x"], train["y"]) == ("train loss", [0, 10], [None, 2.5])
    assert (test["name"], test["kind"], test["y"]) == ("test loss", "test", [1.5, 0.5, 1.5])
    assert by_title["st: mean of theta"]["curves"][0]["name"] == "theta_1_1"
    assert "running" in text_of(root, "head")
    assert "iteration 30 of 100" in text_of(root, "head")
    assert "best 80 % at 20" in text_of(root, "tiles")
    assert "40 images/s" in text_of(root, "tiles")
    run = text_of(root, "run-facts")
    for told in (
        "/there",
        "random seed 77",
        "netspec 1.2",
        "abacus",
        "warning: odd",
        "remark a",
        "run_iter_30",
    ):
        assert told in run.replace("seed77", "seed 77").replace("netspec1.2", "netspec 1.2")
    assert "base_lr: 0.1 # a </script> & <b>" in text_of(root, "text-list")
    assert "layer {}" in text_of(root, "text-list")


def test_the_tests_as_a_table():
    root, _ = parsed(draw_report(report_of(*RUN), written=2000.0))
    rows = [[cell.text for cell in row] for row in root.find(".//*[@id='test-table']").iter(f"{HTML}tr")]
    assert rows == [
        ["iteration", "test accuracy", "test loss"],
        ["30", "0.7", "1.5"],
        ["20", "0.8", "0.5"],
        ["0", "0.1", "1.5"],
    ]
    best = [cell.text for cell in root.iter(f"{HTML}td") if cell.get("class") == "best"]
    assert best == ["0.8", "0.5"]


@pytest.mark.parametrize(
    ("end", "live", "state", "goes_on"),
    [
        ((), True, "running", True),
        ((), False, "unfinished", False),
        ((("finished", 100, {"early": False}),), True, "finished", False),
        ((("finished", 50, {"early": True}),), True, "stopped", False),
        ((("failed", 50, {"message": f"oh {NASTY}"}),), True, "failed", False),
    ],
)
def test_how_it_stands(end, live, state, goes_on):
    page = draw_report(report_of(*RUN, *end), written=2000.0, live=live)
    root, data = parsed(page)
    assert (data["state"], data["live"]) == (state, goes_on)
    assert root.find(".//*[@data-state]").get("data-state") == state
    assert ('http-equiv="refresh"' in page) is goes_on
    assert ("oh a </script> & <b>" in text_of(root, "head")) is (state == "failed")


def test_where_it_is_between_two_displays():
    root, _ = parsed(draw_report(report_of(*RUN), written=1052.0, live=True, iteration=50))
    assert "iteration 50 of 100 · 50 s so far · about 50 s left" in text_of(root, "head")


def test_a_log_that_ends_in_the_middle_of_a_training():
    root, _ = parsed(draw_report(report_of(*RUN, STARTED_AGAIN), written=9e9))
    assert "0 s so far" in text_of(root, "head")
    assert "left" not in text_of(root, "head")
    assert "cut off" in text_of(root, "run-facts")
    assert "30unfinished" in text_of(root, "run-facts")


def test_a_page_before_anything_is_known():
    root, data = parsed(draw_report(report_of(OPENED), written=2000.0, live=True))
    assert (data["panels"], data["state"]) == ([], "running")
    assert root.find(f"{HTML}head/{HTML}title").text == "training"


def test_the_page_asks_for_nothing_from_elsewhere(tmp_path):
    page = draw_report(report_of(*RUN), written=2000.0, live=True)
    addresses = set(re.findall(r"""["'(](?:https?:)?//[^"')\s]*""", page))
    assert {address[1:] for address in addresses} <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xhtml",
    }
    assert not re.search(r"<link|@import|\bfetch\(|XMLHttpRequest|\bsrc=\"(?!data:)", page)


def test_pictures_are_in_the_page(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/iter_20.jpg").write_bytes(b"\xff\xd8 a picture")
    shot = {"file": "iter_20.jpg", "width": 960, "height": 600}
    root, _ = parsed(draw_report(report_of(*RUN, ("pictured", 20, shot), folder=tmp_path), written=0.0))
    (image,) = root.find(".//*[@id='pictures']").iter(f"{HTML}img")
    assert image.get("src").startswith("data:image/jpeg;base64,/9gg")
    assert (image.get("width"), image.get("height")) == ("960", "600")
    assert "iteration 20" in image.get("alt")


def test_why_there_are_no_pictures():
    described = {**DESCRIBED[2], "no_pictures": "There are no pictures: <none>."}
    root, _ = parsed(draw_report(report_of(OPENED, ("described", 0, described)), written=0.0))
    assert text_of(root, "pictures") == "There are no pictures: <none>."


def test_the_drawing_is_in_the_page(tmp_path):
    (tmp_path / "net.html").write_text("<!DOCTYPE html><svg/><script>1</script>")
    root, _ = parsed(draw_report(report_of(OPENED, folder=tmp_path), written=0.0))
    assert json.loads(root.find(".//*[@id='drawing']").text) == "<!DOCTYPE html><svg/><script>1</script>"


def test_a_long_training_has_a_small_page(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/a.jpg").write_bytes(b"\xff" * 70_000)
    shot = {"file": "a.jpg", "width": 9, "height": 9}
    records = [OPENED, DESCRIBED, STARTED]
    for test in range(1000):
        records += [scored(test * 100, 0.5), ("pictured", test * 100, shot)]
        records += [
            displayed(test * 100 + step, 100.0 if test == step == 7 else 1.0) for step in range(0, 100, 7)
        ]
    report = report_of(*records, folder=tmp_path)
    page = draw_report(report, written=2000.0)
    assert len(page) < 3_500_000
    root, data = parsed(page)
    assert len(list(root.find(".//*[@id='test-table']").iter(f"{HTML}tr"))) < 210
    loss = data["panels"][0]["curves"][0]
    assert len(loss["x"]) <= 2 * report_page.STRETCHES + 2
    assert (loss["x"][0], loss["x"][-1]) == (0, 99_998)
    assert 100.0 in loss["y"]


def test_thinning_keeps_peaks_gaps_and_order():
    count = 50_000
    values = [math.sin(place / 500) for place in range(count)]
    values[12_345], values[20_000:21_000] = 7.0, [math.nan] * 1000
    iterations, kept = report_page._thinned(list(range(0, 10 * count, 10)), values)
    assert all(one < other for one, other in pairwise(iterations))
    assert kept[iterations.index(123_450)] == 7.0
    assert any(math.isnan(value) for value in kept)
    assert (iterations[0], iterations[-1]) == (0, 10 * count - 10)


def test_the_script_finds_what_it_looks_for():
    script = (files("netspec.viz") / "report.js").read_text()
    ids = {element.get("id") for element in ET.fromstring(draw_report(Report(), written=0.0)).iter()}
    assert set(re.findall(r'getElementById\("([\w-]+)"\)', script)) <= ids
    assert set(re.findall(r'parsed\("(\w+)"\)', script)) <= ids


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node, which parses JavaScript")
def test_the_script_parses():
    with (files("netspec.viz") / "report.js").open("rb") as script:
        done = subprocess.run(["node", "--check", "-"], stdin=script, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def dumped(file, tmp_path, *flags):
    """What a browser has made of a page."""
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'user'}"]
    done = subprocess.run(
        [*command, *flags, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=120
    )
    return done.stdout


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium, which runs the page")
def test_a_browser_draws_each_curve(tmp_path):
    file = tmp_path / "page.html"
    file.write_text(
        draw_report(report_of(*RUN, ("failed", 50, {"message": "no"})), written=2000.0, live=True)
    )
    page = dumped(file, tmp_path)
    charts = re.findall(r'<svg tabindex="0" role="img"[^>]*aria-label="([^":]*)', page)
    assert len(charts) == 9
    assert (
        len(re.findall(r'<path class="curve \w+" d="M[^"]*L[^"]*"', page)) == 6
    )  # of one point: only a move
    assert 'aria-label="accuracy: test accuracy 0.7 at iteration 30"' in page


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium, which runs the page")
def test_a_browser_says_that_a_page_is_not_written_any_more(tmp_path):
    file = tmp_path / "page.html"
    file.write_text(draw_report(report_of(*RUN), written=2000.0, live=True))
    page = dumped(file, tmp_path)
    (words,) = re.findall(r'<p id="stale"[^>]*>([^<]*)</p>', page)
    assert re.fullmatch(r"Not written for \d+ days: the training may have been killed\.", words)


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium, which runs the page")
def test_a_browser_shows_what_was_written_since(tmp_path):
    """The page looks at its own file again; here it is made to look at another one, with what comes later."""
    now = draw_report(report_of(*RUN), written=2000.0, live=True)
    later = draw_report(report_of(*RUN, ("finished", 100, {"early": False})), written=2100.0, live=True)
    assert "new URL(location.href)" in now
    (tmp_path / "now.html").write_text(
        now.replace("new URL(location.href)", 'new URL("later.html", location.href)')
    )
    (tmp_path / "later.html").write_text(later.replace("<h2>Curves</h2>", "<h2>Other</h2>"))
    page = dumped(
        tmp_path / "now.html",
        tmp_path,
        "--virtual-time-budget=10000",
        "--disable-features=IsolateSandboxedIframes",
    )
    assert '<body data-state="finished">' in page
    assert '<p class="state" data-state="finished">' in page
    assert "<h2>Curves</h2>" in page  # it is still the first page, which was not loaded again
    assert page.count("<iframe") == 0
