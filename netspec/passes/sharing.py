"""Says which blobs are one and the same: those whose ``param`` blocks carry the same name."""

from __future__ import annotations

from dataclasses import dataclass

from netspec.passes.rewrite import layers_of
from netspec.schema.document import Document
from netspec.schema.messages import NetParameter, ParamSpec
from netspec.text.diagnostic import Diagnostic, Note


@dataclass(frozen=True)
class BlobRef:
    """A layer of the net and one of its blobs, both counted from 0."""

    layer: int
    blob: int


@dataclass(frozen=True)
class Sharing:
    """``owner`` maps each blob that is shared, but not first, to the first; ``factors`` holds what the first
    blob's learning rate and weight decay are multiplied by, where a later block says so for it."""

    owner: dict[BlobRef, BlobRef]
    factors: dict[BlobRef, ParamSpec]


_FACTORS = ("lr_mult", "decay_mult")


def share_params(document: Document[NetParameter]) -> tuple[Sharing, list[Diagnostic]]:
    """Which blobs share, and the blocks whose factors contradict each other."""
    layers = list(layers_of(document))
    first: dict[str, BlobRef] = {}
    sharing = Sharing({}, {})
    errors = []
    for layer_index, (spec, spans) in enumerate(layers):
        for index, param in enumerate(spec.param):
            if not param.name:
                continue
            ref = BlobRef(layer_index, index)
            owner = first.setdefault(param.name, ref)
            if owner == ref:
                merged = sharing.factors[ref] = ParamSpec()
                merged.CopyFrom(param)
                continue
            sharing.owner[ref] = owner
            merged = sharing.factors[owner]
            for factor in _FACTORS:
                if not param.HasField(factor):
                    continue
                if merged.HasField(factor) and getattr(merged, factor) != getattr(param, factor):
                    there = layers[owner.layer][1].at("param", owner.blob)
                    errors.append(
                        Diagnostic(
                            f"shared param '{param.name}' has {factor} {getattr(param, factor):g} here "
                            f"and {getattr(merged, factor):g} elsewhere",
                            spans.at("param", index, factor),
                            notes=(Note("first named here", there),),
                            help=f"a shared blob has one {factor}: give it once",
                        )
                    )
                setattr(merged, factor, getattr(param, factor))
    return sharing, errors
