"""Times the LSTM layer, forward and backward, against `torch.nn.LSTM` of the same sizes and weights.

The two are compared first, then take turns, so that a machine that slows down slows both. Prints a Markdown
table: one sequence per stream, where one fused sweep does it all; then sequences that begin in the middle.

    python tools/bench/recurrent.py [--steps 20] [--streams 64] [--inputs 256] [--outputs 256]
                                    [--repetitions 30] [--device cpu]
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import torch
from torch import Tensor, nn

import netspec


def compile_lstm(args: argparse.Namespace) -> netspec.Net:
    shapes = f"shape {{ dim: [{args.steps}, {args.streams}, {args.inputs}] }}"
    shapes += f" shape {{ dim: [{args.steps}, {args.streams}] }}"
    recurrent = f'num_output: {args.outputs} weight_filler {{ type: "uniform" min: -0.06 max: 0.06 }}'
    text = f"""
        layer {{ name: "in" type: "Input" top: "x" top: "flags" input_param {{ {shapes} }} }}
        layer {{ name: "lstm" type: "LSTM" bottom: "x" bottom: "flags" top: "h"
                 recurrent_param {{ {recurrent} }} }}
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / "net.prototxt"
        file.write_text(text)
        return netspec.compile_net(file, phase="TRAIN", device=args.device, seed=1)


def torch_lstm(net: netspec.Net, args: argparse.Namespace) -> nn.LSTM:
    """PyTorch's module with the layer's weights, whose gates stand in another order."""
    module = nn.LSTM(args.inputs, args.outputs, device=args.device)
    weight, bias, hidden = net.params["lstm"]
    theirs = (module.weight_ih_l0, weight), (module.weight_hh_l0, hidden), (module.bias_ih_l0, bias)
    for parameter, blob in theirs:
        i, f, o, g = blob.data.chunk(4)
        parameter.data.copy_(torch.cat([i, f, g, o]))
    module.bias_hh_l0.data.zero_()
    return module


def timed(step: Callable[[], Tensor], gradient: Tensor) -> float:
    """Milliseconds of one forward and backward pass."""
    begin = perf_counter()
    step().backward(gradient)
    if gradient.is_cuda:
        torch.cuda.synchronize(gradient.device)
    return (perf_counter() - begin) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description="time the LSTM layer against torch.nn.LSTM")
    for option, default in (("steps", 20), ("streams", 64), ("inputs", 256), ("outputs", 256)):
        parser.add_argument(f"--{option}", type=int, default=default)
    parser.add_argument("--repetitions", type=int, default=30)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.manual_seed(1)
    net = compile_lstm(args)
    module = torch_lstm(net, args)
    x = torch.randn(args.steps, args.streams, args.inputs, device=args.device, requires_grad=True)
    gradient = torch.randn(args.steps, args.streams, args.outputs, device=args.device)
    whole = torch.ones(args.steps, args.streams, device=args.device)
    whole[0] = 0
    one_break, many_breaks = whole.clone(), (torch.rand_like(whole) > 0.1).to(whole)
    one_break[args.steps // 2, ::2] = 0
    flags = {"one sequence each": whole, "a break half-way": one_break, "a tenth are breaks": many_breaks}

    def ours(flags: Tensor) -> Tensor:
        net.zero_grad(set_to_none=True)
        return net(x=x, flags=flags)["h"]

    def theirs() -> Tensor:
        module.zero_grad(set_to_none=True)
        return module(x)[0]

    torch.testing.assert_close(ours(whole), theirs(), rtol=0, atol=1e-5)
    turns = [
        [timed(theirs, gradient), *(timed(partial(ours, each), gradient) for each in flags.values())]
        for _ in range(args.repetitions + 3)
    ]
    other, *mine = (median(times) for times in zip(*turns[3:], strict=True))
    print(f"{args.steps} steps, {args.streams} streams, {args.inputs} inputs, {args.outputs} outputs, "
          f"{args.device}, torch {torch.__version__}, {platform.machine()}, "
          f"{torch.get_num_threads()} threads, median of {args.repetitions}\n")  # fmt: skip
    print("| | forward + backward, ms | ratio |\n|---|---|---|")
    print(f"| torch.nn.LSTM | {other:.2f} | 1 |")
    for name, milliseconds in zip(flags, mine, strict=True):
        print(f"| netspec, {name} | {milliseconds:.2f} | {milliseconds / other:.3f} |")


if __name__ == "__main__":
    main()
