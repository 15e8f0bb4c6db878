"""The trainer: iterations in Caffe's order, told as events to whoever listens."""

from __future__ import annotations

import math
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netspec.compiler.compute import DEFAULT, Compute
from netspec.compiler.determinism import deterministic
from netspec.compiler.engines import EngineName
from netspec.compiler.net import Net, as_document, compile_net
from netspec.compiler.precision import PrecisionName, products
from netspec.data.image_cache import ImageCache, free_memory
from netspec.errors import NotFiniteError
from netspec.schema.document import Document
from netspec.schema.messages import NetParameter, NetState, SolverParameter
from netspec.solver.captured import CapturedIteration
from netspec.solver.debug_info import pass_inspected, update_inspected
from netspec.solver.diffs import note_diffs
from netspec.solver.events import (
    Displayed,
    Event,
    Finished,
    Iterated,
    Notice,
    OutputValue,
    Restored,
    Snapshotted,
    Started,
    Tested,
    TestStarted,
)
from netspec.solver.loading import LoadingMeter
from netspec.solver.loss_scale import LossScale
from netspec.solver.lr_policy import Plateau, current_step, learning_rate
from netspec.solver.not_finite import broken_gradient, finite_gradients, not_finite, require_finite_blobs
from netspec.solver.random_state import RandomState
from netspec.solver.rules import make_rule
from netspec.solver.settings import NetSource, Settings, SolverSource, load_settings, split_paths
from netspec.solver.snapshot import Pair, newest_snapshot, restore_solver, save_solver
from netspec.solver.transformers import TransformerGuard

Tensors = dict[str, Tensor]
Feeds = Mapping[str, Any]
Listener = Callable[[Event], None]


def load_solver(
    source: SolverSource,
    *,
    device: str | torch.device | None = None,
    weights: str | Path | Iterable[str | Path] = (),
    ignore_mismatched: bool = False,
    listeners: Iterable[Listener] = (),
    allow_python_layers: bool = False,
    engine: EngineName = "auto",
    precision: PrecisionName = "fp32",
    recompute: bool = False,
    deterministic: bool = False,
    cache: bool = False,
) -> Solver:
    """A solver from its file, its nets compiled and filled.

    Args:
        source: the solver's file, message or document.
        device: where to train; None follows ``solver_mode`` and ``device_id``.
        weights: files to start from besides those the solver names, as a list or separated by commas.
        ignore_mismatched: whether layers that have other shapes in these files keep their fillers' numbers.
        listeners: functions that are told every `Event`.
        allow_python_layers: whether layers of type Python may run their modules' code.
        engine: how to run iterations: "eager", "compiled", "graph" or "auto", as for `compile_net`.
        precision: "fp32", "tf32", "bf16" or "fp16", as for `compile_net`; for "fp16" the loss is scaled.
        recompute: whether to keep few activations for the backward pass and to compute the others once more.
        deterministic: whether two runs on the same device give the same numbers, which may be slower.
        cache: whether decoded images stay in memory, as far as half of what is free goes.

    Raises:
        NetspecError: the solver, one of its nets or a weight file is wrong.
    """
    return Solver(
        load_settings(source),
        device=device,
        weights=weights,
        ignore_mismatched=ignore_mismatched,
        listeners=listeners,
        allow_python_layers=allow_python_layers,
        compute=Compute(engine, precision, recompute),
        deterministic=deterministic,
        cache=ImageCache(free_memory() // 2) if cache else None,
    )


class _TestInterruptedError(Exception):
    """A stop was requested while a test ran; no error of anyone's."""


class Solver:
    """Trains a net as a solver's settings say.

    An iteration reads as it runs: `next_batch`, `forward_backward`, `update`; `test` and `snapshot` when they
    are due. The random numbers are the solver's own, so a run repeats and a restored one goes on to the bit.

    Attributes:
        settings: what the solver's text asks for.
        net: the train net.
        test_nets: the test nets; they share the train net's blobs.
        rule: the update rule.
        compute: how the train net is run, as it was asked for.
        deterministic: whether PyTorch is asked for the same numbers in every run.
        cache: what keeps decoded images, if anything does.
        diffs: what the last update subtracted from each learnable blob, if ``snapshot_diff`` is set.
        iteration: how many updates were made.
        current_step: how many steps the learning-rate policy took.
        plateau: what the policy ``plateau`` remembers.
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
        ignore_mismatched: bool = False,
        listeners: Iterable[Listener] = (),
        allow_python_layers: bool = False,
        compute: Compute = DEFAULT,
        deterministic: bool = False,
        cache: ImageCache | None = None,
    ) -> None:
        param = settings.message
        self.settings = settings
        self.listeners = list(listeners)
        self.iteration = 0
        self.current_step = 0
        self.plateau = Plateau()
        self.last_snapshot: Path | None = None
        self.stop_requested = False
        self.snapshot_requested = False
        if param.snapshot:
            settings.check_snapshot_folder()
        self.random_seed = param.random_seed if param.random_seed >= 0 else secrets.randbits(31)
        self.device = self._choose_device(device)
        self.compute, self.deterministic, self.cache = compute, deterministic, cache
        sources = enumerate((settings.train, *settings.tests))
        self.net, *self.test_nets = (
            compile_source(
                source,
                self.device,
                _net_seed(self.random_seed, index),
                allow_python_layers=allow_python_layers,
                compute=_for_tests(compute) if index else compute,
                cache=cache,
            )
            for index, source in sources
        )
        for test_net in self.test_nets:
            test_net.share_weights_with(self.net)
        self.rule = make_rule(settings.type, param, self.net.learnable_params)
        self.diffs = note_diffs(self.rule) if param.snapshot_diff else {}
        self.random = RandomState(self.device, self.random_seed)
        self.scale = LossScale(self.device) if compute.precision == "fp16" else None
        self._captured = self._capturing()
        # What was asked for needs no words; `Started` tells what was chosen instead of "auto".
        self._engine_told = self.net.engine if self.net.engine.is_expected else None
        self.losses: deque[Tensor] = deque(maxlen=param.average_loss)
        self._displayed = (self.iteration, time.perf_counter())
        self._loading = LoadingMeter(self.net, cache)
        self._transformers = TransformerGuard(self.net)
        self._batch: Feeds = {}
        self._before: list[Tensor] = []
        self._stops_tests = False
        for path in (*settings.weights, *_paths(weights)):
            self._load_weights(path, ignore_mismatched)

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
        self._loading.start()
        self.stop_requested = False
        self._tell(
            Started(
                self.net.graph.name,
                self.iteration,
                param.max_iter,
                str(self.device),
                self.random_seed,
                param.lr_policy,
                str(self.net.engine) if self.net.engine.wanted == "auto" else "",
            )
        )
        with self._running():
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
        with self._running():
            self._run(self.iteration + n, feed or {})
        return float(self.losses[-1]) if self.losses else math.nan

    def _run(self, last: int, feed: Feeds) -> None:
        while self.iteration < last and not self.stop_requested:
            self._tell_news()
            with self._stoppable(), self._whole_or_undone():
                self._iterate(feed)
        self._tell_news()
        self._check_loss()

    def _iterate(self, feed: Feeds) -> None:
        param = self.settings.message
        if self._due(param.test_interval) and (self.iteration > 0 or param.test_initialization):
            self._test_all()
        outputs = self.forward_backward(feed)
        rate = self.next_rate()
        if self._due(param.display):
            self._display(outputs, rate)
        with self._update_inspected():
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

    def outputs(self, net: Net, batch: Feeds) -> Tensors:
        """What a net makes of a batch."""
        outputs: Tensors = net(**batch)
        return outputs

    def forward_backward(self, feed: Feeds) -> Tensors:
        """Sums up the gradients of ``iter_size`` batches, notes their mean loss, and gives the last outputs.

        Raises:
            NotFiniteError: the loss is not finite. A CUDA device is not waited for here: it is asked when the
                loss is displayed, at tests and snapshots, and at the end of `step`.
        """
        sub_iterations = self.settings.message.iter_size
        if self._captured is not None and not self._inspects(self.net):
            batches = [self.next_batch(self.net, feed) for _ in range(sub_iterations)]
            self._batch = batches[-1]
            outputs, loss = self._captured.forward_backward(batches)
            self.losses.append(loss)
            return outputs
        self.rule.zero_grad()
        total = torch.zeros((), device=self.device)
        for _ in range(sub_iterations):
            with self._inspected(self.net):
                outputs, loss = self._forward(feed)
                if loss.requires_grad:
                    scaled = loss if self.scale is None else loss * self.scale.factor
                    scaled.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        if self.scale is not None:
            self.scale.unscale(param.parameter.grad for param in self.net.learnable_params)
        self.losses.append(total / sub_iterations)
        return outputs

    def _forward(self, feed: Feeds) -> tuple[Tensors, Tensor]:
        self._batch = self.next_batch(self.net, feed)
        self._before = before = self.random.get() if self.device.type == "cpu" else []
        outputs = self.outputs(self.net, self._batch)
        loss = self.net.loss(outputs)
        if self.device.type == "cpu" and not math.isfinite(loss.item()):
            self.random.set(before)
            raise self._not_finite()
        return outputs, loss

    def next_rate(self) -> float:
        """The learning rate of this iteration; to be asked once in each, since ``multistep`` counts."""
        param, step = self.settings.message, self.current_step
        if param.lr_policy == "plateau":
            loss = self._smoothed_loss() if self.losses else math.inf
            self.current_step, self.plateau = self.plateau.after(param, self.iteration, step, loss)
        else:
            self.current_step = current_step(param, self.iteration, step)
        return learning_rate(param, self.iteration, self.current_step)

    def update(self, rate: float) -> None:
        """Moves the blobs by what the rule makes of their gradients, unless these overflowed float16."""
        for group in self.rule.param_groups:
            group["lr"] = rate
        self.rule.iteration = self.iteration
        if self.scale is not None and self.scale.overflowed:
            return
        if self._captured is not None:
            self._captured.update()
        else:
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
        with self._running(), torch.no_grad():
            for _ in range(batches):
                if self._stops_tests and self.stop_requested:
                    raise _TestInterruptedError
                with self._inspected(net, index):
                    outputs = self.outputs(net, self.next_batch(net, {}))
                values = values + _flat(net, outputs)
                loss = loss + net.loss(outputs)
        means = _output_values(net, outputs, values / batches)
        mean_loss = float(loss) / batches if self.settings.message.test_compute_loss else None
        self._tell(Tested(self.iteration, index, means, mean_loss, time.perf_counter() - start))
        return means

    def snapshot(self) -> Pair:
        """Writes the weights and the solver's state; both are complete when this returns.

        Returns:
            The paths of the .caffemodel and of the .solverstate.

        Raises:
            NotFiniteError: a blob is not finite; nothing is written.
            WeightsError: a file cannot be written; what was there before is untouched.
        """
        self._check_loss()
        require_finite_blobs(self.net, self.iteration, self.last_snapshot)
        pair = save_solver(self)
        self.last_snapshot = pair.state
        self._tell(Snapshotted(self.iteration, pair.weights, pair.state))
        return pair

    def restore(self, path: str | Path) -> None:
        """Goes on from a ``.solverstate``, Caffe's or ours, and the weights it names.

        Raises:
            WeightsError: a file is missing, damaged, or of another net or solver.
        """
        remarks = restore_solver(self, Path(path))
        self.last_snapshot = Path(path)
        self._tell(Restored(self.iteration, Path(path)))
        for remark in remarks:
            self._tell(Notice(remark, "warning"))

    def resume(self) -> Path | None:
        """Goes on from the latest snapshot under the solver's prefix that is complete and undamaged.

        Returns:
            Its state file; None where there is none, and the solver stays where it is.

        Raises:
            WeightsError: the snapshot is of another net or solver.
        """
        path, problems = newest_snapshot(self.settings.prefix)
        for problem in problems:
            self._tell(Notice(f"passed over a snapshot: {problem}", "warning"))
        if path is None:
            self._tell(Notice(f"no snapshot under '{self.settings.prefix}' yet: starting afresh"))
        else:
            self.restore(path)
        return path

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
            with self._stoppable():
                self._test_all()

    def _inspected(self, net: Net, test_net: int | None = None) -> AbstractContextManager[None]:
        """Tells of a pass through a net, if asked to; in training only where it is displayed, as in Caffe."""
        if self._debugs(net) if test_net is not None else self._inspects(net):
            return pass_inspected(net, self.iteration, self._tell, test_net)
        return nullcontext()

    def _inspects(self, net: Net) -> bool:
        return self._debugs(net) and self._due(self.settings.message.display)

    def _update_inspected(self) -> AbstractContextManager[None]:
        if self._inspects(self.net):
            return update_inspected(self.net, self.iteration, self._tell)
        return nullcontext()

    def _debugs(self, net: Net) -> bool:
        """Whether ``debug_info`` is set, for the whole solver or for this net."""
        return self.settings.message.debug_info or net.graph.debug_info

    def _due(self, interval: int) -> bool:
        return interval > 0 and self.iteration % interval == 0

    def _test_all(self) -> None:
        self._check_loss()
        for index in range(len(self.test_nets)):
            self.test(index)

    def _display(self, outputs: Tensors, rate: float | None) -> None:
        self._check_loss()
        if rate is not None:
            self._check_gradients()
        now = time.perf_counter()
        iteration, then = self._displayed
        self._displayed = (self.iteration, now)
        values = _output_values(self.net, outputs, _flat(self.net, outputs))
        since = self.iteration - iteration
        display = self.settings.message.display
        smoothed = self._smoothed_loss()
        loading = self._loading.measure()
        self._tell(Displayed(self.iteration, smoothed, now - then, since, display, values, rate, loading))
        for event in self._transformers.look(self.iteration):
            self._tell(event)

    def _smoothed_loss(self) -> float:
        return float(torch.stack([*self.losses]).double().mean())

    def _check_loss(self) -> None:
        if self.losses and not math.isfinite(float(self.losses[-1])):
            raise self._not_finite()

    def _check_gradients(self) -> None:
        if (self.scale is None or not self.scale.overflowed) and not finite_gradients(self.net):
            self.random.set(self._before)
            raise broken_gradient(self.net, self._batch, self.iteration, self.last_snapshot)

    def _not_finite(self) -> NotFiniteError:
        return not_finite(self.net, self._batch, self.iteration, self.last_snapshot)

    @contextmanager
    def _stoppable(self) -> Iterator[None]:
        """Lets a request to stop end the tests inside without a result: a test may take longer than anyone
        wants to wait, and is done again when training goes on."""
        self._stops_tests = True
        try:
            yield
        except _TestInterruptedError:
            self._tell(Notice("Test interrupted."))
        finally:
            self._stops_tests = False

    @contextmanager
    def _whole_or_undone(self) -> Iterator[None]:
        """Takes the data and the random numbers back where an iteration ends before its update, so that a
        snapshot after an interrupt goes on as if there had been none."""
        iteration, random = self.iteration, self.random.get()
        step, plateau = self.current_step, self.plateau
        positions = [
            (feed, feed.position) for net in (self.net, *self.test_nets) for feed in net.data.values()
        ]
        losses = list(self.losses)
        try:
            yield
        except BaseException:
            if self.iteration == iteration:
                self.current_step, self.plateau = step, plateau
                self.random.set(random)
                for feed, position in positions:
                    feed.position = position
                self.losses = deque(losses, self.losses.maxlen)
            raise

    @contextmanager
    def _running(self) -> Iterator[None]:
        """While inside, PyTorch's settings and random numbers are those of this solver."""
        with ExitStack() as stack:
            stack.enter_context(self.random.installed())
            stack.enter_context(deterministic(self.deterministic))
            if self.device.type == "cuda":
                stack.enter_context(products(self.compute.precision))
            if self._captured is not None:
                stack.enter_context(self._captured.stream())
            yield

    def _capturing(self) -> CapturedIteration | None:
        param = self.settings.message
        if self.net.engine.engine != "graph":
            return None
        if param.snapshot_diff:
            self.net.give_up("snapshot_diff looks into each update")
            return None
        return CapturedIteration(self.net, self.rule, param.iter_size, self.scale)

    def _tell_news(self) -> None:
        """Says which engine runs the train net, and how the cache fares, when that is news."""
        for notice in self._loading.news():
            self._tell(notice)
        if self.net.engine is not self._engine_told:
            self._engine_told = self.net.engine
            self._tell(Notice(str(self.net.engine), "warning"))

    def _load_weights(self, path: Path, ignore_mismatched: bool) -> None:
        report = self.net.load_weights(path, ignore_mismatched=ignore_mismatched)
        self._tell(Notice(f"loaded {len(report.loaded)} layers from {path}"))
        if report.unmatched:
            left = report.missing or report.mismatched
            self._tell(Notice(f"{report.summary()}\n{report.table()}", "warning" if left else "info"))

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
    source: NetSource,
    device: torch.device,
    seed: int,
    *,
    allow_python_layers: bool = False,
    compute: Compute = DEFAULT,
    cache: ImageCache | None = None,
) -> Net:
    """A net that a solver names, in the state that the two want."""
    document, state = document_and_state(source)
    return compile_net(
        document,
        phase=state.phase,
        stages=tuple(state.stage),
        level=state.level if state.HasField("level") else None,
        device=device,
        seed=seed,
        allow_python_layers=allow_python_layers,
        engine=compute.engine,
        precision=compute.precision,
        recompute=compute.recompute,
        cache=cache,
    )


def document_and_state(source: NetSource) -> tuple[Document[NetParameter], NetState]:
    """A net that a solver names, and what the solver says of its state.

    The train_state or test_state goes over the net's own phase, and both over what the solver takes the net
    for.
    """
    document = as_document(source.net)
    state = NetState()
    state.CopyFrom(source.state)
    if not state.HasField("phase"):
        own = document.message.state
        state.phase = own.phase if own.HasField("phase") else source.phase
    return document, state


def _for_tests(compute: Compute) -> Compute:
    """How test nets are run: there is nothing to go back to, and their weights are another net's."""
    engine: EngineName = "compiled" if compute.engine == "compiled" else "eager"
    return replace(compute, engine=engine, recompute=False)


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
