"""`netspec train -resume auto`, and snapshots where the disk or the user gets in the way."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netspec.cli import main
from netspec.solver.snapshot import newest_snapshot

TRAIN = ["train", "-solver", "solver.prototxt", "-no-picture"]
RESUME = [*TRAIN, "-resume", "auto"]
FORMATS = ("BINARYPROTO", "HDF5", "SAFETENSORS")


def add(field):
    edit("net:", f"{field}\nnet:")


def edit(old, new):
    text = Path("solver.prototxt").read_text()
    assert old in text
    Path("solver.prototxt").write_text(text.replace(old, new))


def test_resume_auto_goes_on_from_the_newest(folder, capsys):
    add("snapshot: 1")
    assert main(RESUME) == 0
    whole = capsys.readouterr()
    assert "no snapshot under 'run' yet: starting afresh" in whole.err
    Path("run_iter_4.solverstate").unlink()
    Path("run_iter_3.caffemodel").write_bytes(Path("run_iter_3.caffemodel").read_bytes()[:-1])
    assert main(RESUME) == 0
    resumed = capsys.readouterr()
    assert re.search(r"^W.*passed over a snapshot: run_iter_3\.caffemodel: ", resumed.err, re.MULTILINE)
    assert "restored iteration 2 from run_iter_2.solverstate" in resumed.err
    assert resumed.out.partition(" in ")[0] == whole.out.partition(" in ")[0]


def test_resume_auto_may_come_with_weights_for_the_first_time(folder, capsys):
    assert main(TRAIN) == 0
    shutil.move("run_iter_4.caffemodel", "start.caffemodel")
    assert main([*RESUME, "-weights", "start.caffemodel"]) == 0
    captured = capsys.readouterr()
    assert "from start.caffemodel" in captured.err
    assert "starting afresh" in captured.err
    assert main([*RESUME, "-weights", "start.caffemodel"]) == 0
    assert "restored iteration 4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["-resume", "auto", "-snapshot", "a.solverstate"], "-snapshot and -resume exclude each other"),
        (["-resume", "newest"], "expected auto, not 'newest'"),
    ],
)
def test_wrong_uses(folder, capsys, flags, message):
    assert main([*TRAIN, *flags]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)])
def test_a_signal_in_the_middle_of_a_snapshot_does_it_no_harm(folder, monkeypatch, number):
    """What asks to stop or for a snapshot waits; a second SIGINT does not, and leaves what was there."""
    add("snapshot: 1")
    fsync, calls = os.fsync, []

    def interrupted(handle):
        calls.append(handle)
        if len(calls) in (5, 6):  # in the second snapshot
            signal.raise_signal(number)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", interrupted)
    assert main(TRAIN) == (130 if number == signal.SIGINT else 0)
    path, problems = newest_snapshot("run")
    assert problems == []
    assert path == Path("run_iter_1.solverstate" if number == signal.SIGINT else "run_iter_4.solverstate")
    assert not list(folder.glob(".*"))


# A full disk ------------------------------------------------------------------------------------------------

# Trains in each format until the disk is full, then tries once more on one that is read-only; what it ends
# with, and what is on the disk.
FILL = """
import os
from netspec.cli import main
from netspec.solver.snapshot import newest_snapshot

text = open("solver.prototxt").read()
for format in ("BINARYPROTO", "HDF5", "SAFETENSORS"):
    open("solver.prototxt", "w").write(text + "snapshot: 1 snapshot_format: " + format)
    status = main(["train", "-solver", "solver.prototxt", "-no-picture"])
    newest, problems = newest_snapshot("disk/run")
    print(format, status, newest, problems, [name for name in os.listdir("disk") if name[0] == "."])
    for name in os.listdir("disk"):
        os.unlink("disk/" + name)
os.system("mount -o remount,ro disk")
print("read-only", main(["train", "-solver", "solver.prototxt", "-no-picture"]))
"""


def on_a_small_disk(size, script, folder):
    """Runs Python code in the folder, with a file system of its own on ``disk``."""
    mount = f'mount -t tmpfs -o size={size} none disk && exec "$0" -c "$1"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, sys.executable, script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture
def small_disk(folder):
    (folder / "disk").mkdir()
    if shutil.which("unshare") is None or on_a_small_disk("64k", "pass", folder).returncode:
        pytest.skip("this system lets nobody but root mount a file system")
    return folder


def test_a_full_disk_and_a_read_only_one(small_disk):
    """The snapshots of the first iterations fit, then they do not."""
    edit('"run"', '"disk/run"')
    edit("max_iter: 4", "max_iter: 40")
    done = on_a_small_disk("100k", FILL, small_disk)
    *lines, last = done.stdout.splitlines()
    for line, format, suffix in zip(lines, FORMATS, ("", ".h5", ".safetensors"), strict=True):
        newest = rf"disk/run_iter_\d+\.solverstate{re.escape(suffix)}"
        assert re.fullmatch(rf"{format} 1 {newest} \[\] \[\]", line)
    full = r"^disk/run_iter_\d+\.\S+: error: cannot be written: (.*)$"
    reasons = re.findall(full, done.stderr, re.MULTILINE)
    assert len(reasons) == 3
    assert all("No space left on device" in reason for reason in reasons)
    assert last == "read-only 1"
    told = "error: snapshots cannot be written to the folder 'disk': Read-only file system"
    assert told in done.stderr.rpartition("] ")[2]  # before anything else was logged
    assert "Traceback" not in done.stderr
