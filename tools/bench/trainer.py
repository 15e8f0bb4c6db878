"""Times an iteration of the trainer against the forward pass, backward pass and update it is made of.

Both run the same compiled net and update rule on the same batch, and take turns, so that a machine that slows
down slows both. Prints a Markdown table with what the loop around the three adds.

    python tools/bench/trainer.py [--batch 10] [--iterations 10] [--repetitions 30] [--device cpu]
                                  [--type SGD]
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
from nets import CASES

import netspec

OPTIONS = {"AdaGrad": "", "RMSProp": "", "AdaDelta": "momentum: 0.95", "Adam": "momentum: 0.9"}


def load_solver(args: argparse.Namespace) -> netspec.Solver:
    options = OPTIONS.get(args.type, "momentum: 0.9")
    with TemporaryDirectory() as folder:
        (Path(folder) / "net.prototxt").write_text(str(CASES["transformer"].text(args.batch)))
        solver = Path(folder) / "solver.prototxt"
        solver.write_text(
            f'net: "net.prototxt" base_lr: 1e-9 lr_policy: "inv" gamma: 1e-4 power: 0.75 '
            f'type: "{args.type}" {options} weight_decay: 5e-4 random_seed: 1'
        )
        return netspec.load_solver(solver, device=args.device)


def timed(run: Callable[[], object], device: torch.device, iterations: int) -> float:
    """Milliseconds of one iteration out of several."""
    begin = perf_counter()
    run()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return (perf_counter() - begin) * 1e3 / iterations


def main() -> None:
    parser = argparse.ArgumentParser(description="time what the trainer adds to the steps of its net")
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--repetitions", type=int, default=30)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--type", default="SGD")
    args = parser.parse_args()
    solver = load_solver(args)
    torch.manual_seed(1)
    feed = {
        "data": torch.rand(args.batch, 1, 28, 28, device=args.device),
        "label": torch.randint(10, (args.batch,), device=args.device),
    }

    def bare() -> None:
        for _ in range(args.iterations):
            solver.rule.zero_grad()
            solver.net.loss(solver.net(**feed)).backward()
            solver.rule.step()

    def trained() -> None:
        solver.step(args.iterations, feed=feed)

    turns = [
        [timed(run, solver.device, args.iterations) for run in (bare, trained)]
        for _ in range(args.repetitions + 3)
    ]
    alone, whole = (median(times) for times in zip(*turns[3:], strict=True))
    added = median(whole - alone for alone, whole in turns[3:])
    print(f"batch {args.batch}, {args.device}, torch {torch.__version__}, {platform.machine()}, "
          f"{torch.get_num_threads()} threads, {args.type}, median of {args.repetitions}\n")  # fmt: skip
    print("| | an iteration, ms | ratio |\n|---|---|---|")
    print(f"| forward, backward, update | {alone:.3f} | 1 |\n| trainer | {whole:.3f} | {whole / alone:.3f} |")
    print(f"\nthe trainer adds {added:.3f} ms, {100 * added / alone:.1f} %")


if __name__ == "__main__":
    main()
