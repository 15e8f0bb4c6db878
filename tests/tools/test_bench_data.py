"""tools/bench/data.py: that it runs, and checks what it draws."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "bench" / "data.py"


def test_a_small_run():
    command = [sys.executable, TOOL, "--images", "20", "--batch", "5", "--workers", "1", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=TOOL.parents[2])
    head, blank, *table = done.stdout.splitlines()
    assert head.startswith("20 JPEGs of ")
    assert blank == ""
    assert [line.count("|") for line in table] == [7, 7, 7]
    assert table[2].startswith("| 1 | ")
