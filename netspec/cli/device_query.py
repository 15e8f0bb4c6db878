"""`netspec device_query`: what PyTorch can compute on here."""

from __future__ import annotations

import ctypes
import os
import platform
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from netspec.cli import flags
from netspec.errors import NetspecError, UsageError

if TYPE_CHECKING:
    import torch

HELP = "tell which devices there are, and their properties"

WIDTH = 31  # of the column of names, as in Caffe


def add_flags(parser: ArgumentParser) -> None:
    parser.add_argument("--gpu", default="all", metavar="ID", help="the GPUs to tell of: 0, 0,1 or all (all)")


def run(args: Namespace) -> int:
    import torch

    found = torch.cuda.device_count()
    wanted = _wanted(args.gpu, found)
    for index in wanted:
        if index < found:
            _print(_gpu(index))
    if not found:
        print(f"PyTorch finds no CUDA device{'' if torch.version.cuda else ': it is built without CUDA'}.\n")
    _print(_cpu())
    missing = [str(index) for index in wanted if index >= found]
    if missing:
        here = f"{found}, counted from 0" if found else "none"
        raise NetspecError.at(f"there is no GPU {', '.join(missing)}: this machine has {here}")
    return 0


def _wanted(gpu: str, found: int) -> list[int]:
    if gpu == "all":
        return list(range(found))
    named = flags.split(gpu)
    if not named or not all(index.isdecimal() for index in named):
        raise UsageError.at(f"-gpu takes numbers with commas between them, or 'all', not '{gpu}'")
    return [int(index) for index in named]


def machine(device: torch.device) -> Iterator[tuple[str, object]]:
    """What is known of where a net runs: names and values."""
    yield "Host", platform.node()
    yield "System", platform.platform()
    yield from _known(_cpu())
    if device.type == "cuda":
        import torch

        yield from _known(_gpu(torch.cuda.current_device() if device.index is None else device.index))


def _known(fields: Iterator[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    return ((name, value) for name, value in fields if value is not None)


def _print(fields: Iterator[tuple[str, object]]) -> None:
    for name, value in _known(fields):
        print(f"{name + ':':<{WIDTH}}{value}")
    print()


def _cpu() -> Iterator[tuple[str, object]]:
    import torch

    yield "Processor", platform.processor() or platform.machine()
    yield "Number of cores", os.cpu_count()
    yield "Threads of PyTorch", torch.get_num_threads()
    yield "PyTorch", torch.__version__
    yield "CUDA of PyTorch", torch.version.cuda or "none"


def _gpu(index: int) -> Iterator[tuple[str, object]]:
    """The fields that Caffe prints, in its order; None where nobody here knows."""
    import torch

    known: Any = torch.cuda.get_device_properties(index)
    ask = _driver(index)
    yield "Device id", index
    yield "Major revision number", known.major
    yield "Minor revision number", known.minor
    yield "Name", known.name
    yield "Total global memory", known.total_memory
    yield "Total shared memory per block", ask(8)
    yield "Total registers per block", ask(12)
    yield "Warp size", ask(10)
    yield "Maximum memory pitch", ask(11)
    yield "Maximum threads per block", ask(1)
    yield "Maximum dimension of block", _joined(ask(2), ask(3), ask(4))
    yield "Maximum dimension of grid", _joined(ask(5), ask(6), ask(7))
    yield "Clock rate", ask(13)
    yield "Total constant memory", ask(9)
    yield "Texture alignment", ask(14)
    yield "Concurrent copy and execution", _yes(ask(15))
    yield "Number of multiprocessors", known.multi_processor_count
    yield "Kernel execution timeout", _yes(ask(17))


def _driver(index: int) -> Callable[[int], int | None]:
    """Asks NVIDIA's driver for a device's attribute by its number, as the CUDA driver API counts them (enum
    CUdevice_attribute); PyTorch tells few of them."""
    try:
        library: Any = ctypes.CDLL("libcuda.so.1")
    except OSError:  # another system, or another maker's GPU
        return lambda attribute: None

    def ask(attribute: int) -> int | None:
        device, value = ctypes.c_int(), ctypes.c_int()
        failed = library.cuInit(0) or library.cuDeviceGet(ctypes.byref(device), index)
        failed = failed or library.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        return None if failed else value.value

    return ask


def _joined(*values: int | None) -> str | None:
    return None if None in values else ", ".join(map(str, values))


def _yes(value: int | None) -> str | None:
    return None if value is None else "Yes" if value else "No"
