"""What advice is given on, and what one piece of it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from netspec.compiler.net import Net
from netspec.graph.graph import Graph
from netspec.layers.base import Layer
from netspec.solver.settings import Settings
from netspec.text.diagnostic import Diagnostic


@dataclass(frozen=True)
class Subject:
    """Nets that belong together, without an error, and the solver that names them, if one does.

    Attributes:
        train: the net in the phase TRAIN; None where nothing is fed to it there.
        tests: the nets in the phase TEST.
        settings: what the solver asks for.
    """

    train: Net | None
    tests: tuple[Net, ...] = ()
    settings: Settings | None = None

    @property
    def nets(self) -> tuple[Net, ...]:
        """All nets, that of the training first."""
        return (self.train, *self.tests) if self.train else self.tests

    @property
    def graphs(self) -> Iterator[Graph]:
        """The nets' graphs."""
        return (net.graph for net in self.nets)

    @property
    def begins_with_fillers(self) -> bool:
        """Whether the blobs start as their fillers say, as far as the texts tell."""
        return self.settings is None or not self.settings.weights


def warn(layer: Layer, message: str, *path: str | int, help: str) -> Diagnostic:
    """Advice about a layer, or about the field of it that ``path`` leads to."""
    return Diagnostic(f"layer '{layer.name}': {message}", layer.span(*path), help, severity="warning")
