"""Times the SpatialTransformer layer alone against PyTorch's affine_grid and grid_sample.

Both sample the same places, and are compared first. They take turns, so that a machine that slows down slows
both. Bandwidth counts what must move: forward, the image and the top; backward, the top's gradient, the image
and its gradient, if any. It stands beside that of a plain copy, reads and writes counted. Prints a Markdown
table.

    python tools/bench/sampler.py [--device cuda] [--dtype float32] [--channels-last] [--repetitions 30]
        [--size 256x64x56x56] [--data]
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import torch
from torch import Tensor
from torch.nn import functional as F

import netspec

SIZES = ("64x1x28x28", "50x3x48x48", "64x20x24x24", "256x64x56x56")  # NxCxHxW
CPU_SIZES = (*SIZES[:3], "16x64x56x56")


def compile_layer(shape: list[int], device: str) -> torch.nn.Module:
    text = f"""
        layer {{ name: "in" type: "Input" top: "image" top: "theta"
                 input_param {{ shape {{ dim: {shape} }} shape {{ dim: [{shape[0]}, 6] }} }} }}
        layer {{ name: "st" type: "SpatialTransformer" bottom: "image" bottom: "theta" top: "st"
                 st_param {{ grid: HALF_PIXEL order: COLUMN_FIRST }} }}
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "net.prototxt"
        file.write_text(text)
        return netspec.compile_net(file, device=device).graph.nodes[-1].layer


def by_hand(image: Tensor, theta: Tensor) -> Tensor:
    grid = F.affine_grid(theta.view(-1, 2, 3), list(image.shape), align_corners=False)
    return F.grid_sample(image, grid.to(image.dtype), align_corners=False)


def timed(run: Callable[[], object], device: str) -> float:
    """Seconds of one run."""
    if device == "cpu":
        begin = perf_counter()
        run()
        return perf_counter() - begin
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    # A device that is busy when the run is asked for shows the run alone, not how it was asked for.
    torch.cuda._sleep(2_000_000)
    begin.record()
    run()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1e3


def compare(runs: list[Callable[[], object]], device: str, repetitions: int) -> list[float]:
    turns = [[timed(run, device) for run in runs] for _ in range(repetitions + 3)]
    return [median(times) for times in zip(*turns[3:], strict=True)]


def copy_bandwidth(device: str, repetitions: int) -> float:
    """Bytes read and written per second."""
    source = torch.rand(2**28 if device == "cuda" else 2**25, device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / compare([lambda: target.copy_(source)], device, repetitions)[0]


def bench(shape: list[int], args: argparse.Namespace, copy: float) -> None:
    torch.manual_seed(1)
    form = torch.channels_last if args.channels_last else torch.contiguous_format
    image = torch.randn(shape).to(args.device, getattr(torch, args.dtype), memory_format=form)
    image.requires_grad_(not args.data)
    theta = torch.tensor([0.9137, 0.1321, 0.0417, -0.1109, 0.9293, -0.0313]) + 0.03 * torch.randn(shape[0], 6)
    theta = theta.to(args.device).requires_grad_()
    leaves = [leaf for leaf in (image, theta) if leaf.requires_grad]
    layer = compile_layer(shape, args.device)
    ways = (by_hand, layer)
    above = torch.randn_like(image)

    def both(way: Callable[[Tensor, Tensor], Tensor]) -> tuple[Tensor, ...]:
        return torch.autograd.grad(way(image, theta), leaves, above)

    def forward(way: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        with torch.no_grad():
            return way(image, theta)

    close = 1e-3 if args.dtype == "float32" else 0.05
    for theirs, ours in zip((forward(by_hand), *both(by_hand)), (forward(layer), *both(layer)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=close * theirs.abs().max().item())
    moved = {"forward": 2 * image.nbytes, "forward + backward": (4 if args.data else 5) * image.nbytes}
    for name, run in (("forward", forward), ("forward + backward", both)):
        pair = [lambda way=way, run=run: run(way) for way in ways]
        other, mine = compare(pair, args.device, args.repetitions)
        rate = moved[name] / mine
        print(f"| {'x'.join(map(str, shape))} | {name} | {other * 1e3:.3f} | {mine * 1e3:.3f} "
              f"| {mine / other:.3f} | {rate / 1e9:.1f} | {rate / copy:.0%} |")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="time the sampler alone")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default="float32")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--data", action="store_true", help="nobody needs the gradient to the image")
    parser.add_argument("--size", nargs="*", help="NxCxHxW")
    parser.add_argument("--repetitions", type=int, default=30)
    args = parser.parse_args()
    copy = copy_bandwidth(args.device, args.repetitions)
    where = torch.cuda.get_device_name() if args.device == "cuda" else platform.machine()
    print(f"{where}, torch {torch.__version__}, {args.dtype}, {torch.get_num_threads()} threads, "
          f"median of {args.repetitions}; a copy moves {copy / 1e9:.1f} GB/s\n")  # fmt: skip
    print("| size | | PyTorch, ms | netspec, ms | ratio | netspec, GB/s | of copy |")
    print("|---|---|---|---|---|---|---|")
    for size in args.size or (SIZES if args.device == "cuda" else CPU_SIZES):
        bench([int(part) for part in size.split("x")], args, copy)


if __name__ == "__main__":
    main()
