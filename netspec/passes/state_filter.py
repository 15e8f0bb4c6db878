"""Drops the layers that a net state leaves out (``include`` and ``exclude`` rules)."""

from __future__ import annotations

from netspec.errors import NetError
from netspec.passes.rewrite import layers_of, with_layers
from netspec.schema.document import Document
from netspec.schema.messages import NetParameter, NetState, NetStateRule
from netspec.text.diagnostic import Diagnostic


def meets(state: NetState, rule: NetStateRule) -> bool:
    """Whether a state fulfils every condition that a rule names; an empty rule is met by all."""
    stages = set(state.stage)
    return (
        (not rule.HasField("phase") or rule.phase == state.phase)
        and (not rule.HasField("min_level") or state.level >= rule.min_level)
        and (not rule.HasField("max_level") or state.level <= rule.max_level)
        and stages.issuperset(rule.stage)
        and stages.isdisjoint(rule.not_stage)
    )


def filter_state(document: Document[NetParameter], state: NetState) -> Document[NetParameter]:
    """The net as ``state`` sees it: layers whose ``include`` is met by it, or whose ``exclude`` is not.

    Raises:
        NetError: a layer has both ``include`` and ``exclude`` rules.
    """
    kept, errors = [], []
    for spec, spans in layers_of(document):
        if spec.include and spec.exclude:
            message = f"layer '{spec.name}' has both include and exclude rules"
            errors.append(Diagnostic(message, spans.at("exclude"), help="keep the rules of one kind"))
        if spec.include:
            stays = any(meets(state, rule) for rule in spec.include)
        else:
            stays = not any(meets(state, rule) for rule in spec.exclude)
        if stays:
            kept.append((spec, spans))
    if errors:
        raise NetError(errors)
    return with_layers(document, kept)
