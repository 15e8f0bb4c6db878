"""The trainer: iterations in Caffe's order, told as events to whoever listens."""

from __future__ import annotations

import math
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netspec.compiler.net import Net, compile_net
from netspec.errors import NotFiniteError
from netspec.schema.messages import SolverParameter
from netspec.solver.events import (
    Displayed,
    Event,
    Finished,
    Iterated,
    Notice,
    OutputValue,
    Snapshotted,
    Started,
    Tested,
    TestStarted,
)
from netspec.solver.lr_policy import current_step, learning_rate
from netspec.solver.not_finite import not_finite, require_finite_blobs
from netspec.solver.random_state import RandomState
from netspec.solver.settings import NetSource, Settings, SolverSource, load_settings, split_paths
from netspec.solver.sgd import make_rule
from netspec.solver.snapshot import restore_solver, save_solver

Tensors = dict[str, Tensor]
Feeds = Mapping[str, Any]
Listener = Callable[[Event], None]


def load_solver(
    source: SolverSource,
    *,
    device: str | torch.device | None = None,
    weights: str | Path | Iterable[str | Path] = (),
    listeners: Iterable[Listener] = (),
    allow_python_layers: bool = False,
) -> Solver:
    """A solver from its file, its nets compiled and filled.

    Args:
        source: the solver's file, message or document.
        device: where to train; None follows ``solver_mode`` and ``device_id``.
        weights: files to start from besides those the solver names, as a list or separated by commas.
        listeners: functions that are told every `Event`.
        allow_python_layers: whether layers of type Python may run their modules' code.

    Raises:
        NetspecError: the solver, one of its nets or a weight file is wrong.
    """
    return Solver(
        load_settings(source),
        device=device,
        weights=weights,
        listeners=listeners,
        allow_python_layers=allow_python_layers,
    )


class Solver:
    """Trains a net as a solver's settings say.

    An iteration reads as it runs: `next_batch`, `forward_backward`, `update`; `test` and `snapshot` when they
    are due. The random numbers are the solver's own, so a run repeats and a restored one goes on to the bit.

    Attributes:
        settings: what the solver's text asks for.
        net: the train net.
        test_nets: the test nets; they share the train net's blobs.
        rule: the update rule.
        iteration: how many updates were made.
        current_step: how many steps the learning-rate policy took.
        random_seed: what the fillers, the data and the layers' random numbers follow from.
        listeners: functions that are told every event; they may be added or removed at any time.
        last_snapshot: the state file that was last written or restored.
        stop_requested: set it, from a signal handler if need be, and `step` returns after this iteration.
        snapshot_requested: set it and a snapshot follows this iteration.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        device: str | torch.device | None = None,
        weights: str | Path | Iterable[str | Path] = (),
        listeners: Iterable[Listener] = (),
        allow_python_layers: bool = False,
    ) -> None:
        param = settings.message
        self.settings = settings
        self.listeners = list(listeners)
        self.iteration = 0
        self.current_step = 0
        self.last_snapshot: Path | None = None
        self.stop_requested = False
        self.snapshot_requested = False
        if param.snapshot:
            settings.check_snapshot_folder()
        self.random_seed = param.random_seed if param.random_seed >= 0 else secrets.randbits(31)
        self.device = self._choose_device(device)
        sources = enumerate((settings.train, *settings.tests))
        self.net, *self.test_nets = (
            compile_source(
                source,
                self.device,
                _net_seed(self.random_seed, index),
                allow_python_layers=allow_python_layers,
            )
            for index, source in sources
        )
        for test_net in self.test_nets:
            test_net.share_weights_with(self.net)
        self.rule = make_rule(settings.type, param, self.net.learnable_params)
        self.random = RandomState(self.device, self.random_seed)
        self.losses: deque[Tensor] = deque(maxlen=param.average_loss)
        self._displayed = (self.iteration, time.perf_counter())
        self._batch: Feeds = {}
        for path in (*settings.weights, *_paths(weights)):
            self._load_weights(path)

    # The loop -----------------------------------------------------------------------------------------

    def train(self) -> None:
        """Runs from `iteration` to ``max_iter``, then ends with a snapshot, a loss and a test.

        Raises:
            SolverError: there is no ``max_iter``, or snapshots cannot be written.
            NotFiniteError: the loss or a blob stopped being finite.
            DataError: a batch cannot be read.
        """
        param = self.settings.message
        if not param.HasField("max_iter"):
            raise self.settings.error(
                "the solver has no max_iter", help="the number of iterations: max_iter: 10000"
            )
        if param.snapshot_after_train:
            self.settings.check_snapshot_folder()
        start = time.perf_counter()
        self._displayed = (self.iteration, start)
        self.stop_requested = False
        self._tell(
            Started(
                self.net.graph.name,
                self.iteration,
                param.max_iter,
                str(self.device),
                self.random_seed,
                param.lr_policy,
            )
        )
        with self.random.installed():
            self._run(param.max_iter, {})
            self._finish()
        self._tell(Finished(self.iteration, time.perf_counter() - start, self.stop_requested))

    def step(self, n: int, feed: Feeds | None = None) -> float:
        """Makes ``n`` iterations, with the tests, displays and snapshots that fall into them.

        Args:
            n: how many iterations.
            feed: tensors by blob name to use instead of what data layers would draw, in each sub-iteration of
                ``iter_size`` again.

        Returns:
            The loss of the last iteration, not smoothed; NaN where there was none yet.

        Raises:
            NotFiniteError: the loss or a blob stopped being finite.
            DataError: a batch cannot be read.
        """
        self.stop_requested = False
        with self.random.installed():
            self._run(self.iteration + n, feed or {})
        return float(self.losses[-1]) if self.losses else math.nan

    def _run(self, last: int, feed: Feeds) -> None:
        while self.iteration < last and not self.stop_requested:
            with self._whole_or_undone():
                self._iterate(feed)
        self._check_loss()

    def _iterate(self, feed: Feeds) -> None:
        param = self.settings.message
        if self._due(param.test_interval) and (self.iteration > 0 or param.test_initialization):
            self._test_all()
        outputs = self.forward_backward(feed)
        rate = self.next_rate()
        if self._due(param.display):
            self._display(outputs, rate)
        self.update(rate)
        self.iteration += 1
        self._tell(Iterated(self.iteration, self.losses[-1], self.net.batch_size * param.iter_size))
        if self._due(param.snapshot) or self.snapshot_requested:
            self.snapshot_requested = False
            self.snapshot()

    def next_batch(self, net: Net, feed: Feeds) -> Feeds:
        """What goes into a net next: its data layers' next batch, and what ``feed`` has instead."""
        batch = dict(feed)
        for node in net.graph.sources:
            names = [top.name for top in node.tops]
            if node.key in net.data and not feed.keys() >= set(names):
                drawn = dict(zip(names, net.data[node.key].next(), strict=True))
                batch = {**drawn, **batch}
        return batch

    def forward_backward(self, feed: Feeds) -> Tensors:
        """Sums up the gradients of ``iter_size`` batches, notes their mean loss, and gives the last outputs.

        Raises:
            NotFiniteError: the loss is not finite. A CUDA device is not waited for here: it is asked when the
                loss is displayed, at tests and snapshots, and at the end of `step`.
        """
        self.rule.zero_grad()
        sub_iterations = self.settings.message.iter_size
        total = torch.zeros((), device=self.device)
        for _ in range(sub_iterations):
            outputs, loss = self._forward(feed)
            if loss.requires_grad:
                loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        self.losses.append(total / sub_iterations)
        return outputs

    def _forward(self, feed: Feeds) -> tuple[Tensors, Tensor]:
        self._batch = self.next_batch(self.net, feed)
        before = self.random.get() if self.device.type == "cpu" else []
        outputs = self.net(**self._batch)
        loss = self.net.loss(outputs)
        if self.device.type == "cpu" and not math.isfinite(loss.item()):
            self.random.set(before)
            raise self._not_finite()
        return outputs, loss

    def next_rate(self) -> float:
        """The learning rate of this iteration; to be asked once in each, since ``multistep`` counts."""
        param = self.settings.message
        self.current_step = current_step(param, self.iteration, self.current_step)
        return learning_rate(param, self.iteration, self.current_step)

    def update(self, rate: float) -> None:
        """Moves the blobs by what the update rule makes of their gradients."""
        for group in self.rule.param_groups:
            group["lr"] = rate
        self.rule.step()

    def test(self, index: int = 0) -> tuple[OutputValue, ...]:
        """Runs a test net on its ``test_iter`` batches.

        Returns:
            Each number of its output blobs, averaged over the batches.

        Raises:
            DataError: a batch cannot be read.
        """
        net, batches, start = self.test_nets[index], self.settings.tests[index].batches, time.perf_counter()
        self._tell(TestStarted(self.iteration, index, batches))
        values = torch.zeros((), dtype=torch.float64, device=self.device)
        loss = values
        with self.random.installed(), torch.no_grad():
            for _ in range(batches):
                outputs = net(**self.next_batch(net, {}))
                values = values + _flat(net, outputs)
                loss = loss + net.loss(outputs)
        means = _output_values(net, outputs, values / batches)
        mean_loss = float(loss) / batches if self.settings.message.test_compute_loss else None
        self._tell(Tested(self.iteration, index, means, mean_loss, time.perf_counter() - start))
        return means

    def snapshot(self) -> tuple[Path, Path]:
        """Writes the weights and the solver's state; both are complete when this returns.

        Returns:
            The paths of the .caffemodel and of the .solverstate.

        Raises:
            NotFiniteError: a blob is not finite; nothing is written.
            WeightsError: a file cannot be written; what was there before is untouched.
        """
        self._check_loss()
        require_finite_blobs(self.net, self.iteration, self.last_snapshot)
        weights, state = save_solver(self)
        self.last_snapshot = state
        self._tell(Snapshotted(self.iteration, weights, state))
        return weights, state

    def restore(self, path: str | Path) -> None:
        """Goes on from a ``.solverstate``, Caffe's or ours, and the weights it names.

        Raises:
            WeightsError: a file is missing, damaged, or of another net.
            SolverError: the state is of another solver.
        """
        restore_solver(self, Path(path))
        self.last_snapshot = Path(path)
        self._tell(Notice(f"restored iteration {self.iteration} from {path}"))

    def close(self) -> None:
        """Stops drawing batches ahead."""
        for net in (self.net, *self.test_nets):
            net.close()

    def reseed(self, seed: int) -> None:
        """Lets the data layers and the random numbers follow from another seed, from their beginning."""
        self.random_seed = seed
        self.random.set(RandomState(self.device, seed).get())
        for index, net in enumerate((self.net, *self.test_nets)):
            net.reseed(_net_seed(seed, index))

    # --------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """What Caffe does after the last update."""
        param = self.settings.message
        if param.snapshot_after_train and not (self.iteration and self._due(param.snapshot)):
            self.snapshot()
        if self.stop_requested:
            return
        if self._due(param.display):
            with torch.no_grad():
                outputs, loss = self._forward({})
            self.losses.append(loss)
            self._display(outputs, None)
        if self._due(param.test_interval):
            self._test_all()

    def _due(self, interval: int) -> bool:
        return interval > 0 and self.iteration % interval == 0

    def _test_all(self) -> None:
        self._check_loss()
        for index in range(len(self.test_nets)):
            self.test(index)

    def _display(self, outputs: Tensors, rate: float | None) -> None:
        self._check_loss()
        now = time.perf_counter()
        iteration, then = self._displayed
        self._displayed = (self.iteration, now)
        smoothed = float(torch.stack([*self.losses]).double().mean())
        values = _output_values(self.net, outputs, _flat(self.net, outputs))
        since = self.iteration - iteration
        display = self.settings.message.display
        self._tell(Displayed(self.iteration, smoothed, now - then, since, display, values, rate))

    def _check_loss(self) -> None:
        if self.losses and not math.isfinite(float(self.losses[-1])):
            raise self._not_finite()

    def _not_finite(self) -> NotFiniteError:
        return not_finite(self.net, self._batch, self.iteration, self.last_snapshot)

    @contextmanager
    def _whole_or_undone(self) -> Iterator[None]:
        """Takes the data and the random numbers back where an iteration ends before its update, so that a
        snapshot after an interrupt goes on as if there had been none."""
        iteration, step, random = self.iteration, self.current_step, self.random.get()
        positions = [
            (feed, feed.position) for net in (self.net, *self.test_nets) for feed in net.data.values()
        ]
        losses = list(self.losses)
        try:
            yield
        except BaseException:
            if self.iteration == iteration:
                self.current_step = step
                self.random.set(random)
                for feed, position in positions:
                    feed.position = position
                self.losses = deque(losses, self.losses.maxlen)
            raise

    def _load_weights(self, path: Path) -> None:
        report = self.net.load_weights(path)
        kept = f"; not in the file: {', '.join(report.missing)}" if report.missing else ""
        unused = f"; not in the net: {', '.join(report.unused)}" if report.unused else ""
        self._tell(Notice(f"loaded {len(report.loaded)} layers from {path}{kept}{unused}"))

    def _tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)

    def _choose_device(self, device: str | torch.device | None) -> torch.device:
        param = self.settings.message
        if device is not None:
            return torch.device(device)
        if param.solver_mode == SolverParameter.CPU:
            return torch.device("cpu")
        if not torch.cuda.is_available():
            self._tell(Notice("solver_mode is GPU, but PyTorch finds no CUDA device: training on the CPU"))
            return torch.device("cpu")
        if param.device_id >= torch.cuda.device_count():
            message = f"there is no CUDA device {param.device_id}"
            help = f"PyTorch finds {torch.cuda.device_count()}, counted from 0"
            raise self.settings.error(message, "device_id", help=help)
        return torch.device("cuda", param.device_id)


def compile_source(
    source: NetSource, device: torch.device, seed: int, *, allow_python_layers: bool = False
) -> Net:
    """A net that a solver names, in the state that the solver wants."""
    state = source.state
    return compile_net(
        source.net,
        phase=state.phase,
        stages=tuple(state.stage),
        level=state.level if state.HasField("level") else None,
        device=device,
        seed=seed,
        allow_python_layers=allow_python_layers,
    )


def _net_seed(seed: int, index: int) -> int:
    # Test nets must not see the batches that were just trained on.
    return seed + index


def _paths(weights: str | Path | Iterable[str | Path]) -> list[Path]:
    given = [weights] if isinstance(weights, str | Path) else weights
    return [Path(path) for paths in given for path in split_paths(str(paths))]


def _flat(net: Net, outputs: Tensors) -> Tensor:
    """All numbers of the output blobs in a row, in double precision; one transfer fetches them together."""
    return torch.cat(
        [torch.zeros(0, device=net.device), *(outputs[name].detach().flatten() for name in net.outputs)]
    ).double()


def _output_values(net: Net, outputs: Tensors, flat: Tensor) -> tuple[OutputValue, ...]:
    weights = net.loss_weights
    names = [name for name in net.outputs for _ in range(outputs[name].numel())]
    pairs = zip(names, flat.tolist(), strict=True)
    return tuple(OutputValue(name, value, weights.get(name, 0.0)) for name, value in pairs)
