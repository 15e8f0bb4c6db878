"""The page of a net: whole in itself, well-formed, and a script that runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from importlib.resources import files

import pytest

from netspec.viz.net import view_of
from netspec.viz.page import draw_page

HTML, SVG = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/2000/svg}"
NET = """
name: "a <net> & more"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } } }
layer { name: "</script>" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
"""


@pytest.fixture
def page(graph_of):
    return draw_page([view_of(graph_of(NET))])


def test_the_page_is_well_formed_and_knows_each_layer(page):
    root = ET.fromstring(page)
    assert root.find(f"{HTML}head/{HTML}title").text == "a <net> & more"
    known = json.loads(root.find(f".//{HTML}script[@id='layers']").text)
    drawn = [group.get("id") for group in root.iter(f"{SVG}g") if group.get("data-layer")]
    assert drawn == list(known) == ["data", "</script>", "relu"]
    assert known["relu"]["bottoms"] == [["conv", "2x4x6x6"]]
    assert 'type: "xavier"' in known["</script>"]["text"]


def test_no_layer_ends_the_script(page):
    assert len(re.findall("</script>", page)) == 2


def test_the_page_asks_for_nothing_from_elsewhere(page):
    addresses = set(re.findall(r"""["'(](?:https?:)?//[^"')\s]*""", page))
    assert {address[1:] for address in addresses} <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xhtml",
    }
    assert not re.search(r"<(link|img|iframe)|@import|\bfetch\(|XMLHttpRequest|\bsrc=", page)


def test_ids_of_several_phases_differ(graph_of):
    train, test = (view_of(graph_of(NET, phase)) for phase in (0, 1))
    root = ET.fromstring(draw_page([train, test]))
    known = json.loads(root.find(f".//{HTML}script[@id='layers']").text)
    assert list(known) == [f"{phase}/{name}" for phase in "01" for name in ("data", "</script>", "relu")]
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))


def test_the_script_finds_what_it_looks_for(page):
    script = (files("netspec.viz") / "page.js").read_text()
    ids = {element.get("id") for element in ET.fromstring(page).iter()}
    assert set(re.findall(r'getElementById\("(\w+)"\)', script)) <= ids


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node, which parses JavaScript")
def test_the_script_parses():
    with (files("netspec.viz") / "page.js").open("rb") as script:
        done = subprocess.run(["node", "--check", "-"], stdin=script, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium, which runs the page")
def test_a_browser_finds_and_shows_a_layer(graph_of, resnet152, tmp_path):
    file = tmp_path / "net.html"
    file.write_text(draw_page([view_of(graph_of(resnet152))]))
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'user'}"]
    done = subprocess.run(
        [*command, "--window-size=1400,900", "--dump-dom", f"{file.as_uri()}#res4_17_b"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    page = done.stdout
    assert re.findall(r'<g id="([^"]*)" data-layer="[^"]*" class="hit chosen">', page) == ["res4_17_b"]
    assert re.search(r'<output id="found">1 of \d+</output>', page)
    detail = page[page.index('<aside id="detail">') :]
    assert "256x256x3x3" in detail
    near = re.findall(r'<g data-tail="([^"]*)" data-head="([^"]*)" class="near">', page)
    assert near == [("res4_17_a", "res4_17_b"), ("res4_17_b", "res4_17_c")]
    (y,) = re.findall(r"transform: translate\([-\d.]+px, ([-\d.]+)px\)", page)
    assert float(y) < -5000  # far down the drawing
