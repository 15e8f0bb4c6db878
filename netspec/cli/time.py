"""`netspec time`: how long a net's forward and backward passes take, whole and layer by layer."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from netspec.cli import model

if TYPE_CHECKING:
    from torch import Tensor

    from netspec.compiler.engines.capture import Captured
    from netspec.compiler.net import Net
    from netspec.graph.graph import Blob, Node

    Graphs = tuple[Captured[dict[str, Tensor]], Captured[None]]

HELP = "time a net's forward and backward passes, whole and layer by layer"


def add_flags(parser: ArgumentParser) -> None:
    model.add_flags(parser, phase="TRAIN", counted="passes")


def run(args: Namespace) -> int:
    net = model.compiled(args)
    feeds = _zeros(net)
    with model.running(args, net):
        _log(f"Initial loss: {_warm_up(net, feeds):g}")
        begin = perf_counter()
        _log("*** Benchmark begins ***")
        _log(f"Testing for {args.iterations} iterations.")
        forward, backward = _whole(net, feeds, args.iterations)
        _log("Average time per layer:")
        for name, ahead, back in _by_layer(net, feeds, args.iterations):
            _log(f"{name:>10}\tforward: {ahead:g} ms.")
            _log(f"{name:>10}\tbackward: {back:g} ms.")
    net.close()
    _log(f"Average Forward pass: {forward:g} ms.")
    _log(f"Average Backward pass: {backward:g} ms.")
    _log(f"Average Forward-Backward: {forward + backward:g} ms.")
    _log(f"Total Time: {(perf_counter() - begin) * 1e3:g} ms.")
    _log("*** Benchmark ends ***")
    print(f"forward-backward {forward + backward:.4g} ms, batch {net.batch_size}, {net.device}")
    return 0


def _zeros(net: Net) -> dict[str, Tensor]:
    """What a caller would have to feed."""
    import torch

    return {top.name: torch.zeros(top.shape, device=net.device) for top in net.graph.inputs}


def _warm_up(net: Net, feeds: Mapping[str, Tensor]) -> float:
    """Pays for what is set up once, and gives the loss."""
    with model.inspected(net, 0):
        out = net(**feeds)
        _backward(net, out)
    return float(net.loss(out).detach())


def _clock(net: Net) -> Callable[[], float]:
    """Tells the time in milliseconds, when the device has finished what it was given."""
    import torch

    def now() -> float:
        if net.device.type == "cuda":
            torch.cuda.synchronize(net.device)
        return perf_counter() * 1e3

    return now


def _whole(net: Net, feeds: Mapping[str, Tensor], iterations: int) -> tuple[float, float]:
    """The mean times of the net's forward and backward passes, as training runs them."""
    now = _clock(net)
    recorded = _recorded(net, feeds)
    times = []
    for iteration in range(1, iterations + 1):
        times.append(_run(net, feeds, now) if recorded is None else _replay(recorded, now))
        _log(f"Iteration: {iteration} forward-backward time: {sum(times[-1]):g} ms.")
    forward, backward = (sum(column) / iterations for column in zip(*times, strict=True))
    return forward, backward


def _run(net: Net, feeds: Mapping[str, Tensor], now: Callable[[], float]) -> tuple[float, float]:
    net.zero_grad(set_to_none=True)
    begin = now()
    out = net(**feeds)
    middle = now()
    _backward(net, out)
    return middle - begin, now() - middle


def _replay(graphs: Graphs, now: Callable[[], float]) -> tuple[float, float]:
    begin = now()
    graphs[0].replay()
    middle = now()
    graphs[1].replay()
    return middle - begin, now() - middle - (middle - begin)


def _recorded(net: Net, feeds: Mapping[str, Tensor]) -> Graphs | None:
    """A forward pass, and one forward and backward, as CUDA graphs; None where the engine is another."""
    import torch

    from netspec.compiler.engines.capture import Captured, new_stream, reason

    if net.engine.engine != "graph":
        return None
    stream = new_stream(net.device)
    stream.wait_stream(torch.cuda.current_stream(net.device))
    with torch.cuda.stream(stream):
        tensors = net.bring(net.fed({**_drawn(net), **feeds}))

        def both() -> None:
            net.zero_grad(set_to_none=True)
            _backward(net, net.run(tensors))

        for _ in range(3):  # what is set up once cannot be recorded
            both()
        try:
            graphs = Captured(lambda: _detached(net.run(tensors)), module=net), Captured(both, module=net)
        except RuntimeError as error:
            net.give_up(reason(error))
            return None
    torch.cuda.synchronize(net.device)
    return graphs


def _detached(out: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in out.items()}


def _drawn(net: Net) -> dict[str, Tensor]:
    sources = [node for node in net.graph.sources if node.key in net.data]
    batches = [(node, net.data[node.key].next()) for node in sources]
    return {top.name: x for node, batch in batches for top, x in zip(node.tops, batch, strict=True)}


def _backward(net: Net, out: dict[str, Tensor]) -> None:
    """From the loss, or from all outputs where the net has none."""
    import torch

    if net.loss_weights:
        torch.autograd.backward(net.loss(out))
        return
    roots = [out[name] for name in net.outputs if out[name].requires_grad]
    if roots:
        torch.autograd.backward(roots, [torch.ones_like(root) for root in roots])


# Layer by layer -------------------------------------------------------------------------------------------


class _Source:
    """A layer whose tops come from outside the net, with the time that drawing them took so far."""

    def __init__(self, net: Net, node: Node, feeds: Mapping[str, Tensor], now: Callable[[], float]) -> None:
        self.node = node
        self.forward = self.backward = 0.0
        self._net, self._feeds, self._now = net, feeds, now

    def ahead(self, values: dict[Blob, Tensor]) -> None:
        """Adds the tops' values."""
        begin = self._now()
        if self.node.key in self._net.data:
            drawn = [blob.to(self._net.device) for blob in self._net.data[self.node.key].next()]
        else:
            drawn = [self._feeds[top.name] for top in self.node.tops]
        self.forward += self._now() - begin
        values.update(zip(self.node.tops, drawn, strict=True))

    def back(self, gradients: dict[Blob, Tensor]) -> None:
        """Nothing flows back out of the net."""


class _Stopwatch:
    """One layer of the net in a run of its own, cut off from its neighbours, with the time it took so far."""

    def __init__(self, node: Node, now: Callable[[], float]) -> None:
        self.node = node
        self.forward = self.backward = 0.0
        self._now = now
        self._bottoms: list[Tensor] = []
        self._tops: tuple[Tensor, ...] = ()

    def ahead(self, values: dict[Blob, Tensor]) -> None:
        """Reads the bottoms' values and adds the tops'."""
        from netspec.layers.base import as_tuple

        sources = [values[blob] for blob in self.node.bottoms]
        self._bottoms = [value.detach().requires_grad_(value.requires_grad) for value in sources]
        begin = self._now()
        self._tops = as_tuple(self.node.layer(*self._bottoms))
        self.forward += self._now() - begin
        values.update(zip(self.node.tops, self._tops, strict=True))

    def back(self, gradients: dict[Blob, Tensor]) -> None:
        """Reads the tops' gradients and adds to the bottoms'."""
        import torch

        pairs = zip(self.node.tops, self._tops, strict=True)
        roots = [(top, gradients[blob]) for blob, top in pairs if blob in gradients and top.requires_grad]
        inputs = [bottom for bottom in self._bottoms if bottom.requires_grad]
        leaves = [*inputs, *(blob for blob in self.node.layer.blobs if blob.requires_grad)]
        if not roots or not leaves:
            return
        tops, above = zip(*roots, strict=True)
        begin = self._now()
        found = torch.autograd.grad(tops, leaves, above, allow_unused=True)
        self.backward += self._now() - begin
        self._add(gradients, found)

    def _add(self, gradients: dict[Blob, Tensor], found: Sequence[Tensor | None]) -> None:
        wanted = [
            blob
            for blob, bottom in zip(self.node.bottoms, self._bottoms, strict=True)
            if bottom.requires_grad
        ]
        for blob, gradient in zip(wanted, found, strict=False):
            if gradient is not None:
                gradients[blob] = gradients[blob] + gradient if blob in gradients else gradient


def _by_layer(net: Net, feeds: Mapping[str, Tensor], iterations: int) -> Iterator[tuple[str, float, float]]:
    """Each layer's name and its mean times, from a run that stops at every layer."""
    now = _clock(net)
    sources = net.graph.sources
    watches = [
        _Source(net, node, feeds, now) if node in sources else _Stopwatch(node, now)
        for node in net.graph.nodes
    ]
    for turn in range(iterations + 1):
        if turn == 1:  # the first pass also pays for what is set up once
            for watch in watches:
                watch.forward = watch.backward = 0.0
        _pass(net, watches)
    for watch in watches:
        yield watch.node.key, watch.forward / iterations, watch.backward / iterations


def _pass(net: Net, watches: Sequence[_Source | _Stopwatch]) -> None:
    import torch

    values: dict[Blob, Tensor] = {}
    for watch in watches:
        watch.ahead(values)
    weights = net.graph.loss_weights or dict.fromkeys(net.graph.outputs, 1.0)
    gradients = {blob: torch.full_like(values[blob], weight) for blob, weight in weights.items()}
    for watch in reversed(watches):
        watch.back(gradients)


def _log(message: str) -> None:
    from netspec.cli.log import glog, to_stderr

    to_stderr(glog(message, "caffe.cpp:4"))
