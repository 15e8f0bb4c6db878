"""Iterations as CUDA graphs: forward and backward passes as one, the update as another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from netspec.compiler.engines.capture import Captured, new_stream, reason
from netspec.compiler.engines.staging import Staging
from netspec.compiler.net import Net
from netspec.solver.loss_scale import LossScale
from netspec.solver.rules import UpdateRule

Tensors = dict[str, Tensor]
Pass = tuple[Tensors, Tensor]

_WARM_UP = 3


class CapturedIteration:
    """Makes the iterations of a net on a CUDA device.

    The first few, all with batches of another shape than the rest, and those that somebody looks into run
    operation by operation; they count as any other, so that nothing has to be undone. All run on one stream
    of their own, on which the graphs are recorded: let them happen inside of `stream`.

    Args:
        net: the train net.
        rule: its update rule.
        sub_iterations: how many batches make an iteration.
        scale: the factor of the loss, for float16.
    """

    def __init__(
        self, net: Net, rule: UpdateRule, sub_iterations: int, scale: LossScale | None = None
    ) -> None:
        self._net, self._rule, self._scale = net, rule, scale
        self._sub_iterations = sub_iterations
        self._stream = new_stream(net.device)
        self._staging = Staging(net.device)
        self._warm = 0
        self._inputs: list[list[Tensor]] = []
        self._pass: Captured[Pass] | None = None
        self._gradients: list[Tensor | None] = []
        self._update: Captured[None] | None = None
        self._rates: list[Tensor] = []
        self._written: list[float] = []

    @contextmanager
    def stream(self) -> Iterator[None]:
        """While inside, the current stream is the one for iterations; what came before it is done first, and
        what comes after waits."""
        outside = torch.cuda.current_stream(self._net.device)
        if outside == self._stream:
            yield
            return
        self._stream.wait_stream(outside)
        try:
            with torch.cuda.stream(self._stream):
                yield
        finally:
            outside.wait_stream(self._stream)

    def forward_backward(self, batches: Sequence[Mapping[str, Any]]) -> Pass:
        """Sums up the gradients of an iteration's batches.

        Returns:
            The last outputs, which the next iteration may overwrite, and the mean loss, which stays.
        """
        with self.stream():
            return self._forward_backward([self._net.fed(batch) for batch in batches])

    def update(self) -> None:
        """Makes the rule's step from the gradients that the parameters hold."""
        with self.stream():
            rates = [float(rate) for rate in self._rule.rates()]
            if not self._holds_gradients() or not self._is_update_recorded(rates):
                self._rule.apply(rates)
                return
            assert self._update is not None
            self._write(rates)
            self._update.replay()

    # --------------------------------------------------------------------------------------------------

    def _forward_backward(self, values: Sequence[Sequence[Tensor]]) -> Pass:
        if not self._inputs:
            self._inputs = [self._net.bring(map(torch.zeros_like, batch)) for batch in values]
        if not (self._fits(values) and self._net.engine.engine == "graph" and self._is_recorded()):
            self._warm += 1
            return self._run([self._net.bring(batch) for batch in values])
        for batch, inputs in zip(values, self._inputs, strict=True):
            self._staging.bring(batch, inputs)
        assert self._pass is not None
        outputs, loss = self._pass.replay()
        self._attach()
        return outputs, loss.clone()

    def _run(self, batches: Sequence[Sequence[Tensor]]) -> Pass:
        """An iteration but for its update, operation by operation; this is what is recorded."""
        self._rule.zero_grad()
        total = torch.zeros((), device=self._net.device)
        outputs: Tensors = {}
        for batch in batches:
            outputs = self._net.run(batch)
            loss = self._net.loss(outputs)
            if loss.requires_grad:
                scaled = loss if self._scale is None else loss * self._scale.factor
                scaled.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        if self._scale is not None:
            self._scale.unscale(param.grad for param in self._params())
        tops = [top.name for node in self._net.graph.sources for top in node.tops]
        drawn = dict(zip(tops, batches[-1], strict=True))
        detached = {name: output.detach() for name, output in outputs.items()}
        return {**drawn, **detached}, total / self._sub_iterations

    def _is_recorded(self) -> bool:
        """Records the passes when it is time to."""
        if self._pass is None and self._warm >= _WARM_UP:
            self._pass = self._recorded(lambda: self._run(self._inputs))
            self._gradients = [param.grad for param in self._params()]
        return self._pass is not None

    def _is_update_recorded(self, rates: Sequence[float]) -> bool:
        """Records the update when it is time to."""
        if self._update is None and self._pass is not None and self._net.engine.engine == "graph":
            self._rates = [torch.full((), rate, device=self._net.device) for rate in rates]
            self._written = list(rates)
            self._update = self._recorded(lambda: self._rule.apply(self._rates), self._pass.pool)
        return self._update is not None

    def _recorded(self, function: Callable[[], Any], pool: Any = None) -> Captured[Any] | None:
        try:
            return Captured(function, module=self._net, pool=pool)
        except RuntimeError as error:
            self._net.give_up(reason(error))
            return None

    def _holds_gradients(self) -> bool:
        """Whether the parameters have the gradients that the graph writes."""
        pairs = zip(self._params(), self._gradients, strict=False)
        return bool(self._gradients) and all(param.grad is gradient for param, gradient in pairs)

    def _attach(self) -> None:
        """Gives the parameters the gradients that the graph writes, should they have others."""
        if not self._holds_gradients():
            for param, gradient in zip(self._params(), self._gradients, strict=True):
                param.grad = gradient

    def _params(self) -> Iterator[torch.nn.Parameter]:
        return (param for group in self._rule.param_groups for param in group["params"])

    def _write(self, rates: list[float]) -> None:
        for index, (rate, before) in enumerate(zip(rates, self._written, strict=True)):
            if rate != before:
                self._rates[index].fill_(rate)
        self._written = rates

    def _fits(self, values: Sequence[Sequence[Tensor]]) -> bool:
        return [[value.shape for value in batch] for batch in values] == [
            [room.shape for room in batch] for batch in self._inputs
        ]
