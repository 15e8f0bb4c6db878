"""Says which blob each bottom reads: a layer whose top is its own bottom makes a new version of the blob."""

from __future__ import annotations

from dataclasses import dataclass, field

from netspec.passes.rewrite import layers_of
from netspec.schema.document import Document, Spans
from netspec.schema.messages import LayerParameter, NetParameter
from netspec.text.diagnostic import Diagnostic, Note
from netspec.text.suggest import nearest

_FEW = 8  # so many blobs are still listed in full


@dataclass(frozen=True)
class Version:
    """The ``number``-th content of a blob, counted from 0."""

    blob: str
    number: int


@dataclass(frozen=True)
class Wires:
    """A layer's bottoms and tops as versions; None stands for a bottom that no layer makes."""

    bottoms: tuple[Version | None, ...]
    tops: tuple[Version, ...]


@dataclass
class _Wiring:
    """The newest version of each blob on the way through the layers, and where each was first made.

    ``made`` names all blobs that any layer makes, other than in place; ``left_out`` knows where those are
    made that no layer makes in this state.
    """

    made: set[str]
    left_out: dict[str, Note]
    newest: dict[str, Version] = field(default_factory=dict)
    made_at: dict[str, tuple[LayerParameter, Spans, int]] = field(default_factory=dict)
    errors: list[Diagnostic] = field(default_factory=list)

    def read(self, index: int, spec: LayerParameter, spans: Spans) -> Version | None:
        name = spec.bottom[index]
        version = self.newest.get(name)
        if version is None:
            message = f"layer '{spec.name}' reads blob '{name}', which no layer above it makes"
            notes = (self.left_out[name],) if name in self.left_out else ()
            place = spans.at("bottom", index)
            self.errors.append(Diagnostic(message, place, help=self._way_out(name), notes=notes))
        return version

    def _way_out(self, name: str) -> str:
        guess = nearest(name, self.newest)
        if name in self.made:
            return f"a layer further down makes '{name}': move it up"
        if name in self.left_out:
            return "let include and exclude rules keep both layers, or leave both out"
        if guess is not None:
            return f"did you mean '{guess}'?"
        shown = ", ".join(f"'{blob}'" for blob in self.newest)
        return f"the blobs made above it are {shown}" if 0 < len(self.newest) <= _FEW else "check the name"

    def make(self, index: int, spec: LayerParameter, spans: Spans) -> Version:
        name = spec.top[index]
        known = self.newest.get(name)
        in_place = index < len(spec.bottom) and spec.bottom[index] == name
        if known is not None and not in_place:
            maker, places, top = self.made_at[name]
            self.errors.append(
                Diagnostic(
                    f"layer '{spec.name}' makes blob '{name}' a second time",
                    spans.at("top", index),
                    notes=(Note(f"layer '{maker.name}' makes it here", places.at("top", top)),),
                    help="give one of the two another name, or let include { phase: ... } keep them apart",
                )
            )
        self.made_at.setdefault(name, (spec, spans, index))
        self.newest[name] = Version(name, known.number + 1 if known is not None else 0)
        return self.newest[name]


def wire(
    document: Document[NetParameter], whole: Document[NetParameter] | None = None
) -> tuple[list[Wires], list[Diagnostic]]:
    """Each layer's bottoms and tops as versions of blobs, and what is wrong with their names.

    Args:
        document: the net as one state sees it.
        whole: the net with all its layers, where errors point to those that the state leaves out.
    """
    layers = list(layers_of(document))
    made = {top for spec, _ in layers for top in spec.top if top not in spec.bottom}
    wiring = _Wiring(made, _left_out(made, whole) if whole is not None else {})
    wires = []
    for spec, spans in layers:
        bottoms = tuple(wiring.read(index, spec, spans) for index in range(len(spec.bottom)))
        tops = tuple(wiring.make(index, spec, spans) for index in range(len(spec.top)))
        wires.append(Wires(bottoms, tops))
    return wires, wiring.errors


def _left_out(made: set[str], whole: Document[NetParameter]) -> dict[str, Note]:
    return {
        top: Note(f"layer '{spec.name}' makes it, but is left out here", spans.at(_rules(spec)))
        for spec, spans in layers_of(whole)
        for top in spec.top
        if top not in made and top not in spec.bottom
    }


def _rules(spec: LayerParameter) -> str:
    return "include" if spec.include else "exclude"
