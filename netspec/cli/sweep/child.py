"""The process of one run: it trains as `netspec train` does, and stops when nobody waits for it any more."""

from __future__ import annotations

import _thread
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from netspec.cli.sweep.lock import held

# What takes seconds to import: the processes of all runs are forked from one that has done so.
_HEAVY = ["cv2", "netspec.cli.jsonl", "netspec.cli.log", "netspec.cli.train", "netspec.solver.trainer"]
_PAUSE = 0.05


@dataclass(frozen=True)
class Child:
    """A run's process."""

    process: BaseProcess
    lifeline: Connection

    def stop(self) -> None:
        """Asks it to stop after the iteration it is in, with a snapshot; so does the end of this process."""
        self.lifeline.close()

    def kill(self) -> None:
        """Ends it at once."""
        self.process.kill()


@cache
def context() -> BaseContext:
    """How processes are made here. The first call starts the one that the others are forked from."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing.forkserver import ensure_running

    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(_HEAVY)
    ensure_running()
    return forking


def start(argv: Sequence[str], log: Path, lock: Path, threads: int, path: Sequence[str]) -> Child:
    """Starts a process that runs a command line of netspec's.

    Args:
        argv: the command line.
        log: where it appends what it writes to stdout and stderr.
        lock: what it holds as long as it lives; first it waits for another one that does.
        threads: with how many it computes.
        path: where it looks for modules first.
    """
    theirs, ours = context().Pipe(duplex=False)
    live = partial(_live, [*argv], log, lock, threads, [*path])
    process = context().Process(target=live, args=(theirs,))  # type: ignore[attr-defined]
    process.start()
    theirs.close()
    return Child(process, ours)


def _live(
    argv: list[str], log: Path, lock: Path, threads: int, path: list[str], lifeline: Connection
) -> None:
    if hasattr(os, "setsid"):
        os.setsid()  # what is typed at the terminal is for the sweep, which tells its runs what they need
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    try:
        threading.Thread(target=_watch, args=(lifeline,), daemon=True).start()
        sys.exit(_train(argv, lock, threads, path))
    except KeyboardInterrupt:
        sys.exit(130)


def _train(argv: list[str], lock: Path, threads: int, path: list[str]) -> int:
    import torch

    from netspec.cli import main

    sys.path[:0] = path
    torch.set_num_threads(threads)
    with held(lock, lambda: time.sleep(_PAUSE)):
        return main(argv)


def _watch(lifeline: Connection) -> None:
    """Waits for the other end to be closed, by its process or by the end of that, and interrupts the training
    as Ctrl-C would."""
    try:
        lifeline.recv_bytes()
    except (EOFError, OSError):
        _thread.interrupt_main()
