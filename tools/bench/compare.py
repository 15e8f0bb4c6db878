"""Times nets as netspec runs them against the same nets written by hand in PyTorch; prints a Markdown table.

    python tools/bench/compare.py [--nets transformer:64 resnet50] [--modes training inference]
                                  [--peers eager netspec] [--device cpu] [--repetitions 15]
                                  [--clock cpu]

All peers of a net hold the same weights and see the same batch in one process. Losses and gradients are
compared first; then the peers take turns, so that a machine that slows down slows all of them. A ratio is the
median of the ratios within the turns, of the time by hand to that of the peer: 2 means twice as fast.

On a CPU that is busy with other things, the wall's clock says little. `--clock cpu` counts what the process's
own threads take; that needs OMP_WAIT_POLICY=PASSIVE, or waiting counts as well.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import torch
import torch.nn.functional as F
from nets import CASES, Case
from torch import Tensor, nn

import netspec

BY_HAND = "eager"
PEERS = (BY_HAND, "torch.compile", "netspec", "netspec as written", "netspec compiled", "netspec graph")
OPTIONS: dict[str, dict[str, object]] = {
    "netspec": {"engine": "eager"},
    "netspec as written": {"engine": "eager", "rewrite": False},
    "netspec compiled": {"engine": "compiled"},
    "netspec graph": {"engine": "graph"},
}
WARM_UP = 2
CLOCKS = {"wall": perf_counter, "cpu": process_time}

Run = Callable[[], Tensor]
Blobs = dict[tuple[str, int], str]


class Contest:
    """The peers of one net at one batch size."""

    def __init__(
        self, case: Case, batch: int, training: bool, peers: list[str], device: torch.device
    ) -> None:
        torch.manual_seed(1)
        self.training, self.device = training, device
        self.data = torch.randn(batch, case.channels, case.side, case.side, device=device)
        self.label = torch.randint(case.classes, (batch,), device=device)
        self.hand = case.by_hand().to(device)
        self.nets = {
            name: self._compile(str(case.text(batch)), OPTIONS[name]) for name in peers if name in OPTIONS
        }
        self.pairs = self._share() if self.nets else {}
        self.hand.train(training)
        self.runs = {name: self._run(name) for name in peers}

    def _share(self) -> Blobs:
        """Gives all the same weights and statistics; the parameters by hand that correspond to blobs."""
        first = next(iter(self.nets.values()))
        parameters, statistics = match(first, self.hand)
        with torch.no_grad():
            for (layer, index), name in parameters.items():
                self.hand.get_parameter(name).copy_(first.params[layer][index])
            self.hand(self.data)  # makes statistics that keep numbers within bounds in TEST
            for (layer, index), name in statistics.items():
                first.params[layer][index].copy_(self.hand.get_buffer(name))
                first.params[layer][2].fill_(1)
        for net in self.nets.values():
            net.load_state_dict(first.state_dict())
        return parameters

    def check(self) -> None:
        """All must compute the same, or their times say nothing: no net may be further from the module by
        hand in double precision than a few times what that module itself is in float32.

        Raises:
            AssertionError: one is.
        """
        exact = deepcopy(self.hand).double()
        expected = self._by_hand(exact, self.data.double())()
        theirs = self._by_hand(self.hand, self.data)()
        for net in self.nets.values():
            ours = self._netspec(net)()
            self._compare("the loss", ours, theirs, expected)
            if self.training:
                right = dict(exact.named_parameters())
                for (layer, index), name in self.pairs.items():
                    what = f"the gradient of {layer}'s blob {index}"
                    mine, hand = net.params[layer][index].grad, self.hand.get_parameter(name).grad
                    self._compare(what, mine, hand, right[name].grad)

    def _compare(self, what: str, ours: Tensor, theirs: Tensor, exact: Tensor) -> None:
        size = torch.linalg.vector_norm(exact)
        off, allowed = (torch.linalg.vector_norm(value - exact) / size for value in (ours, theirs))
        assert off < 5 * allowed + 0.01, f"{what} is off by {off:.2g}, by hand by {allowed:.2g}"

    def turns(self, repetitions: int, clock: Callable[[], float] = perf_counter) -> dict[str, list[float]]:
        """Milliseconds of each peer's steps, turn by turn."""
        times: dict[str, list[float]] = {name: [] for name in self.runs}
        for turn in range(WARM_UP + repetitions):
            for name, run in self.runs.items():
                took = self._timed(run, clock)
                if turn >= WARM_UP:
                    times[name].append(took)
        return times

    def _timed(self, run: Run, clock: Callable[[], float]) -> float:
        self._synchronize()
        begin = clock()
        run()
        self._synchronize()
        return (clock() - begin) * 1e3

    def _synchronize(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def memory(self, name: str) -> float:
        """MB that training takes beside the parameters: on CUDA at its peak, elsewhere what the forward
        pass keeps for the way back."""
        if self.device.type == "cuda":
            self.runs[name]()
            before = torch.cuda.memory_allocated(self.device)
            torch.cuda.reset_peak_memory_stats(self.device)
            self.runs[name]()
            return (torch.cuda.max_memory_allocated(self.device) - before) / 1e6
        owned = {parameter.data_ptr() for parameter in self.hand.parameters()}
        owned |= {parameter.data_ptr() for net in self.nets.values() for parameter in net.parameters()}
        kept: dict[int, int] = {}

        def note(value: Tensor) -> Tensor:
            storage = value.untyped_storage()
            if storage.data_ptr() not in owned:
                kept[storage.data_ptr()] = storage.nbytes()
            return value

        with torch.autograd.graph.saved_tensors_hooks(note, lambda value: value):
            self.runs[name]()
        return sum(kept.values()) / 1e6

    # The ways to run it -------------------------------------------------------------------------------------

    def _run(self, name: str) -> Run:
        if name in OPTIONS:
            return self._netspec(self.nets[name])
        return self._by_hand(torch.compile(self.hand) if name == "torch.compile" else self.hand, self.data)

    def _by_hand(self, module: nn.Module, data: Tensor) -> Run:
        def train() -> Tensor:
            module.zero_grad(set_to_none=True)
            loss = F.cross_entropy(module(data), self.label)
            loss.backward()
            return loss.detach()

        return train if self.training else lambda: F.cross_entropy(infer(module, data), self.label)

    def _netspec(self, net: netspec.Net) -> Run:
        def train() -> Tensor:
            net.zero_grad(set_to_none=True)
            loss = net.loss(net(data=self.data, label=self.label))
            loss.backward()
            return loss.detach()

        return train if self.training else lambda: infer(net, data=self.data, label=self.label)["loss"]

    def _compile(self, text: str, options: dict[str, object]) -> netspec.Net:
        phase = "TRAIN" if self.training else "TEST"
        with TemporaryDirectory() as folder:
            file = Path(folder) / "net.prototxt"
            file.write_text(text)
            return netspec.compile_net(file, phase=phase, device=str(self.device), seed=1, **options)


def infer(module: nn.Module, *args: Tensor, **kwargs: Tensor) -> Tensor:
    with torch.inference_mode():
        return module(*args, **kwargs)


def match(net: netspec.Net, hand: nn.Module) -> tuple[Blobs, Blobs]:
    """The module's parameters and its statistics that are blobs of the net, these by layer and index."""
    parameters, statistics = {}, {}
    for layer, blobs in net.params.items():
        name = layer.removesuffix("_scale")
        module = hand.get_submodule(name)
        if isinstance(module, nn.BatchNorm2d) and name == layer:
            statistics |= {(layer, 0): f"{name}.running_mean", (layer, 1): f"{name}.running_var"}
        else:
            owned = [f"{name}.{own}" for own, _ in module.named_parameters()]
            parameters |= {(layer, index): own for index, own in zip(range(len(blobs)), owned, strict=True)}
    return parameters, statistics


def contest(name: str, batch: int, mode: str, args: argparse.Namespace) -> list[str]:
    """The rows of the table."""
    peers = list(dict.fromkeys([BY_HAND, *args.peers]))
    held = Contest(CASES[name], batch, mode == "training", peers, torch.device(args.device))
    held.check()
    times = held.turns(args.repetitions, CLOCKS[args.clock])
    rows = []
    for peer, took in times.items():
        ratio = median(hand / own for hand, own in zip(times[BY_HAND], took, strict=True))
        memory = f"{held.memory(peer):.0f}" if mode == "training" and "compile" not in peer else ""
        rows.append(f"| {name} | {batch} | {mode} | {peer} | {median(took):.1f} | {ratio:.2f} | {memory} |")
    return rows


def processor() -> str:
    """The CPU in words."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{model or platform.machine()}, {os.cpu_count()} cores"


def chosen(words: list[str]) -> list[tuple[str, int]]:
    """Nets and batch sizes: "net" for its own ones, "net:batch" for another."""
    found = []
    for word in words:
        name, _, batch = word.partition(":")
        found += [(name, int(batch))] if batch else [(name, size) for size in CASES[name].batches]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="time nets against the same nets written by hand in PyTorch")
    parser.add_argument("--nets", nargs="+", default=list(CASES), metavar="NET[:BATCH]")
    parser.add_argument("--modes", nargs="+", default=["training", "inference"])
    parser.add_argument("--peers", nargs="+", default=["netspec"], choices=PEERS, metavar="PEER")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--clock", default="wall", choices=CLOCKS)
    args = parser.parse_args()
    where = processor() if args.device == "cpu" else torch.cuda.get_device_name(args.device)
    print(f"{where}, {torch.get_num_threads()} threads, torch {torch.__version__}, "
          f"{args.clock} time, median of {args.repetitions}\n")  # fmt: skip
    print("| net | batch | | | ms | faster than by hand | MB |\n|---|---|---|---|---|---|---|")
    for name, batch in chosen(args.nets):
        for mode in args.modes:
            print("\n".join(contest(name, batch, mode, args)), flush=True)


if __name__ == "__main__":
    main()
