"""The six solvers, to be stepped by hand or run as a whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from typing import Any, ClassVar

import torch
from torch import Tensor

from netspec.cli.log import CaffeLog, to_stderr
from netspec.compiler.compute import Compute
from netspec.compiler.net import Net as CompiledNet
from netspec.graph.build import net_state
from netspec.pycaffe import modes
from netspec.pycaffe.nccl import NCCL
from netspec.pycaffe.net import Net, building, prepared
from netspec.pycaffe.process import logs
from netspec.pycaffe.runtime_errors import require_file, runtime_errors
from netspec.schema.document import Document, load_document
from netspec.schema.messages import SolverParameter
from netspec.solver import trainer
from netspec.solver.lr_policy import current_step, learning_rate
from netspec.solver.random_state import RandomState
from netspec.solver.settings import NetSource, Settings, SolverSource, load_settings
from netspec.solver.snapshot import Pair
from netspec.text.source import Source

Path = str | PathLike[str]
Action = Callable[[], Any]


class Solver:
    """Trains a net as a solver's file says, on what the net's blobs hold or its data layers draw.

    Attributes:
        net: the train net.
        test_nets: the test nets, which have its params.

    Raises:
        RuntimeError: the file, or one that it names, is missing or wrong; with netspec's diagnostics.
    """

    type: ClassVar[str | None] = None  # the update rule; None leaves it to the file

    def __init__(self, solver_file: Path) -> None:
        require_file(solver_file)
        with runtime_errors():
            self._take(load_settings(solver_file))

    def _take(self, settings: Settings) -> None:
        self._callbacks: list[tuple[Action, Action]] = []
        settings = _seeded(replace(settings, type=self.type or settings.type))
        sources = [_prepared(source) for source in (settings.train, *settings.tests)]
        settings = replace(settings, train=sources[0], tests=tuple(sources[1:]))
        with building([source.net for source in sources if isinstance(source.net, Document)]):
            self._trainer = _Trainer(settings, self._callbacks, modes.device())
        self.net, *self.test_nets = self._trainer.faces

    @property
    def iter(self) -> int:
        """How many updates were made."""
        return self._trainer.iteration

    @property
    def param(self) -> SolverParameter:
        """What the solver's file says. A ``base_lr`` that is set here is that of the next update."""
        return self._trainer.settings.message

    @property
    def max_iter(self) -> int:
        """How many updates `solve` goes up to."""
        return self.param.max_iter

    @property
    def lr(self) -> float:
        """The learning rate of the next update."""
        steps = current_step(self._trainer.settings.message, self.iter, self._trainer.current_step)
        return learning_rate(self._trainer.settings.message, self.iter, steps)

    def step(self, iters: int) -> None:
        """Makes iterations, with the tests, displays and snapshots that fall into them."""
        with runtime_errors():
            self._trainer.follow_device()
            self._trainer.step(iters)

    def solve(self, resume_file: Path | None = None) -> None:
        """Trains up to ``max_iter``, from a snapshot's state file on if there is one."""
        if resume_file is not None:
            self.restore(resume_file)
        with runtime_errors():
            self._trainer.follow_device()
            self._trainer.train()

    def apply_update(self) -> None:
        """Updates the params by their gradients as they are, which counts as an iteration.

        Afterwards the gradients are what was subtracted from the params, as after each iteration.
        """
        self._trainer.follow_device()
        self._trainer.update(self._trainer.next_rate())
        self._trainer.iteration += 1

    def snapshot(self) -> None:
        """Writes the params and the state of the solver."""
        with self.net.running():
            self._trainer.snapshot()

    def restore(self, state_file: Path) -> None:
        """Goes on from the state file of a snapshot, and from the params that it names."""
        require_file(state_file)
        with self.net.changing_params():
            self._trainer.restore(str(state_file))

    def share_weights(self, net: Net) -> None:
        """Lets another net use the params of this solver's."""
        net.share_with(self.net)

    def add_callback(self, on_start: Action | NCCL, on_gradients_ready: Action | None = None) -> None:
        """Calls functions in each iteration: before its first forward pass, and before its update. One `NCCL`
        may come in the place of both."""
        if isinstance(on_start, NCCL):
            self._callbacks.append((on_start.on_start, on_start.on_gradients_ready))
        elif on_gradients_ready is not None:
            self._callbacks.append((on_start, on_gradients_ready))
        else:
            raise TypeError("add_callback takes two functions, or a NCCL")


class SGDSolver(Solver):
    """Gradient descent with momentum."""

    type = "SGD"


class NesterovSolver(SGDSolver):
    """Nesterov's accelerated gradient."""

    type = "Nesterov"


class AdaGradSolver(SGDSolver):
    """AdaGrad."""

    type = "AdaGrad"


class RMSPropSolver(SGDSolver):
    """RMSProp."""

    type = "RMSProp"


class AdaDeltaSolver(SGDSolver):
    """AdaDelta."""

    type = "AdaDelta"


class AdamSolver(SGDSolver):
    """Adam."""

    type = "Adam"


_SOLVERS: dict[str, type[Solver]] = {
    str(cls.type): cls
    for cls in (SGDSolver, NesterovSolver, AdaGradSolver, RMSPropSolver, AdaDeltaSolver, AdamSolver)
}


def get_solver(solver_file: Path) -> Solver:
    """A solver of the type that its file names.

    Raises:
        RuntimeError: the file, or one that it names, is missing or wrong.
    """
    require_file(solver_file)
    return _of_its_type(solver_file)


def get_solver_from_file(solver_file: Path) -> Solver:
    """The same as `get_solver`."""
    return get_solver(solver_file)


def get_solver_from_string(text: str) -> Solver:
    """A solver of the type that the text of a solver's file names.

    Raises:
        RuntimeError: the text, or a file that it names, is wrong.
    """
    with runtime_errors():
        document = load_document(Source("<string>", text), SolverParameter)
    return _of_its_type(document)


def _of_its_type(source: SolverSource) -> Solver:
    with runtime_errors():
        settings = load_settings(source)
        cls = _SOLVERS[settings.type]
        solver = cls.__new__(cls)
        solver._take(settings)
    return solver


class _Trainer(trainer.Solver):
    """The trainer, with its nets run through their faces: what they compute and learn is in the faces' blobs.

    As Caffe's, it goes on when a number is no longer finite.
    """

    def __init__(
        self, settings: Settings, callbacks: list[tuple[Action, Action]], device: torch.device
    ) -> None:
        super().__init__(
            settings,
            device=device,
            listeners=[CaffeLog(_write)],
            allow_python_layers=True,
            compute=Compute("eager"),  # the faces look at each layer
        )
        self.faces = [Net.of(net) for net in (self.net, *self.test_nets)]
        self._face_of = dict(zip((self.net, *self.test_nets), self.faces, strict=True))
        self._callbacks = callbacks
        self._moves: dict[Tensor, Tensor] = {}  # what the update at hand adds to each parameter
        self._update = self.rule.update
        self.rule.update = self._noting_update  # type: ignore[method-assign]

    def next_batch(self, net: CompiledNet, feed: trainer.Feeds) -> trainer.Feeds:
        return feed  # the faces draw their own

    def outputs(self, net: CompiledNet, batch: trainer.Feeds) -> trainer.Tensors:
        return self._face_of[net].run()

    def forward_backward(self, feed: trainer.Feeds) -> trainer.Tensors:
        net, sub_iterations = self.faces[0], self.settings.message.iter_size
        net.clear_param_diffs()
        for on_start, _ in self._callbacks:
            on_start()
        total = torch.zeros((), device=self.device)
        for _ in range(sub_iterations):
            outputs, loss = self._forward(feed)
            net.run_back()
            total += loss
        self.losses.append(total / sub_iterations)
        for _, on_gradients_ready in self._callbacks:
            on_gradients_ready()
        return outputs

    def _forward(self, feed: trainer.Feeds) -> tuple[trainer.Tensors, Tensor]:
        outputs = self.outputs(self.net, feed)
        return outputs, self.net.loss(outputs)

    def update(self, rate: float) -> None:
        net = self.faces[0]
        with net.changing_params():
            for parameter, memory in net.gradients():
                parameter.grad = None if memory.tensor is None else memory.read(parameter.shape)
            super().update(rate)
            for parameter, memory in net.gradients():
                parameter.grad = None
                if parameter in self._moves:
                    memory.put(self._moves[parameter].neg_())
                else:
                    memory.clear()
            self._moves.clear()

    def snapshot(self) -> Pair:
        gradients = self.faces[0].gradients()
        self.diffs = {param: memory.tensor for param, memory in gradients if memory.tensor is not None}
        return super().snapshot()

    def _noting_update(
        self,
        params: list[Tensor],
        grads: list[Tensor],
        slots: list[list[Tensor]],
        rate: Any,
        group: dict[str, Any],
    ) -> None:
        """The rule's update, with a note of what it does to the parameters."""
        moves = [torch.zeros_like(param) for param in params]
        self._update(moves, grads, slots, rate, group)
        torch._foreach_add_(params, moves)
        self._moves.update(zip(params, moves, strict=True))

    def follow_device(self) -> None:
        """Goes on where nets compute by now."""
        if self.device == modes.device():
            return
        self.device = modes.device()
        self.random = RandomState(self.device, self.random_seed)
        self.faces[0].follow_device()
        self.rule.load_state_dict(self.rule.state_dict())  # which takes it to where the parameters are
        self.losses = deque((loss.to(self.device) for loss in self.losses), self.losses.maxlen)

    def _check_loss(self) -> None:
        pass

    def _check_gradients(self) -> None:
        pass

    def _debugs(self, net: CompiledNet) -> bool:
        return False


def _prepared(source: NetSource) -> NetSource:
    document, state = trainer.document_and_state(source)
    level = state.level if state.HasField("level") else None
    return replace(
        source, net=prepared(document, net_state(document, state.phase, tuple(state.stage), level))
    )


def _seeded(settings: Settings) -> Settings:
    """The settings with a random_seed: where the file has none, `modes.set_random_seed` decides."""
    if settings.message.random_seed >= 0:
        return settings
    message = SolverParameter()
    message.CopyFrom(settings.message)
    message.random_seed = int(torch.randint(2**31 - 1, ()))
    return replace(settings, document=replace(settings.document, message=message))


def _write(line: str) -> None:
    if logs(line[0]):
        to_stderr(line)
