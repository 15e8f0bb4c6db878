"""Training processes killed at any instant: what was finished is on the disk, whole, and the run goes on."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from netspec.solver.snapshot import newest_snapshot
from netspec.weights import read_solverstate, read_weights

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="killed processes are forked ones")

KILLS = 200
LONGEST = 0.03  # seconds between two snapshots, and some more
SNAPSHOTTED = re.compile(r"Snapshotting solver state to .* file (\S+)\n")
FORMATS = ("BINARYPROTO", "HDF5", "SAFETENSORS")
NET = """name: "small"
layer { name: "data" type: "DummyData" top: "x" top: "t"
  dummy_data_param { shape { dim: 4 dim: 8 } shape { dim: 4 dim: 1 }
    data_filler { type: "gaussian" } data_filler { type: "uniform" } } }
layer { name: "drop" type: "Dropout" bottom: "x" top: "x" }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 1 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""
# Loads all that training needs once; each line that comes in is the command line of a process of its own.
SERVER = """
import os, sys
import h5py, safetensors.torch
import netspec
from netspec.cli import main

netspec.load_solver("BINARYPROTO").close()
for line in sys.stdin:
    log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    child = os.fork()
    if not child:
        os.dup2(log, 2)
        os._exit(main(line.split()))
    os.close(log)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


class Server:
    """Starts training processes, one at a time."""

    def __init__(self):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen([sys.executable, "-c", SERVER], **pipes, text=True, env=environment)
        self._child = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self._child is not None:
            self.kill()
        self._process.communicate()

    def start(self, command):
        """Lets a process run a command line of netspec."""
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        self._child = int(self._process.stdout.readline())

    def kill(self):
        """Kills the process, and waits until it is gone."""
        os.kill(self._child, signal.SIGKILL)
        self._child = None
        assert self._process.stdout.readline() == "gone\n"


def iteration_of(path):
    return int(re.search(r"_iter_(\d+)\.", path.name)[1])


def wait_for(snapshots):
    """Until the process has told of so many; the log of its last words."""
    deadline = time.monotonic() + 60
    while len(SNAPSHOTTED.findall(Path("log").read_text())) < snapshots:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def thin_out(newest):
    """Keeps the folder small: the newest two pairs are enough to go on from."""
    for path in Path().glob("snap_iter_*"):
        if iteration_of(path) < newest - 1:
            path.unlink()


def test_two_hundred_kills(write, make):
    for format in FORMATS:
        write(f"snapshot: 1\nmax_iter: 5000\nsnapshot_format: {format}", NET).rename(format)
    draw, newest, formats = random.Random(0), 0, set()
    with Server() as server:
        for kill in range(KILLS):
            before = newest_snapshot("snap")[0]
            server.start(f"train -solver {FORMATS[kill % 3]} -resume auto -no-picture")
            wait_for(draw.randrange(3))  # before the first snapshot, or anywhere up to the one after the next
            time.sleep(draw.uniform(0, LONGEST))
            server.kill()
            log = Path("log").read_text()

            # Nothing is damaged, all that was told of as finished is there, and there the next run begins.
            path, problems = newest_snapshot("snap")
            assert problems == []
            finished = [iteration_of(Path(name)) for name in SNAPSHOTTED.findall(log)]
            assert (iteration_of(path) if path else 0) >= max([newest, *finished])
            assert f" from {before}\n" in log or "restored" not in log
            newest = iteration_of(path) if path else 0
            formats |= {path.suffix} if path else set()
            thin_out(newest)
    assert len(formats) == 3
    assert newest > KILLS / 2

    # All that stopping and going on has left no trace in the numbers.
    unbroken = make(net=NET)
    unbroken.step(newest)
    saved = {layer.name: layer.blobs for layer in read_weights(read_solverstate(path).learned_net)}
    for name, blobs in unbroken.net.params.items():
        for index, blob in enumerate(blobs):
            assert torch.equal(blob, torch.tensor(saved[name][index]))
