"""models/document_theta/score.py: how well a net finds pages."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

MODELS = Path(__file__).parents[2] / "models"
SCORE = MODELS / "document_theta" / "score.py"
WHOLE = np.float32([[1, 0, 0, 0, 1, 0]])
QUARTER = np.float32([[0.5, 0, -0.5, 0, 0.5, -0.5]])  # the top left one
TURNED = np.float32([[0, -1, 0, 1, 0, 0]])


@pytest.fixture
def score():
    return runpy.run_path(str(SCORE))


@pytest.mark.parametrize(
    ("found", "error", "overlap"),
    [
        (WHOLE, 0, 1),
        (QUARTER, (0 + 20 + np.hypot(10, 20) + 10) / 4, 1 / 4),
        (TURNED, 30, 1),
        (WHOLE + np.float32([[0, 0, 2, 0, 0, 0]]), 20, 0),
        (WHOLE + np.float32([[0, 0, 1, 0, 0, 0]]), 10, 1 / 3),
    ],
)
def test_corners_and_overlap(score, found, error, overlap):
    assert score["corner_errors"](found, WHOLE, (20, 40)) == pytest.approx(error)
    assert score["overlaps"](found, WHOLE) == pytest.approx(overlap, abs=1e-6)


def test_pages_that_are_found_no_longer_move(score):
    truth = np.concatenate([WHOLE, QUARTER])
    # Middles 1/2 apart along each axis, diagonals of 2 and 1 times sqrt(2).
    assert score["wandering"](score["quadrilaterals"](truth)) == pytest.approx(
        np.sqrt(0.125) / (1.5 * np.sqrt(2))
    )
    assert score["wandering"](score["handed_on"](truth, truth)) == pytest.approx(0)
    corners = score["handed_on"](WHOLE.repeat(2, 0), truth)
    np.testing.assert_allclose(corners, score["quadrilaterals"](truth))


@pytest.mark.parametrize("net", ["document_theta/small", "document_spn/small"])
def test_it_scores_a_net(data, monkeypatch, capsys, net):
    monkeypatch.setattr(sys, "argv", [str(SCORE), str(MODELS / f"{net}.prototxt")])
    runpy.run_path(str(SCORE), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["corners:", "intersection", "pages"]
