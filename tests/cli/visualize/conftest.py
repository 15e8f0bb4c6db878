"""The small net with weights of three iterations."""

from __future__ import annotations

from pathlib import Path

import pytest

import netspec


@pytest.fixture
def trained(folder: Path) -> Path:
    """The working directory, with snapshots in it."""
    solver = netspec.load_solver("solver.prototxt")
    for _ in range(3):
        solver.step(1)
        solver.snapshot()
    solver.close()
    return folder
