"""A file that one process at a time holds."""

from __future__ import annotations

import subprocess
import sys

import pytest

from netspec.cli.sweep.lock import held

pytest.importorskip("fcntl")

HOLD = """
import sys
from pathlib import Path
from netspec.cli.sweep.lock import held
with held(Path(sys.argv[1]), None):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_it_is_free_again_when_its_process_is_killed(tmp_path):
    file = tmp_path / "lock"

    def busy():
        busy.calls += 1
        process.kill()

    busy.calls = 0
    command = [sys.executable, "-c", HOLD, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with held(file, busy):
            assert busy.calls > 0
    with held(file, pytest.fail):
        pass
