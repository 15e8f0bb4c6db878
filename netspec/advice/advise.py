"""All advice by name, and how it is given and held back."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from netspec.advice import data, layers, theta
from netspec.advice.subject import Subject
from netspec.text.diagnostic import Diagnostic
from netspec.text.source import Span

ADVICE: dict[str, Callable[[Subject], Iterator[Diagnostic]]] = {
    "theta-not-identity": theta.not_identity,
    "theta-learning-rate": theta.learning_rate,
    "relu-before-loss": layers.relu_before_loss,
    "softmax-before-loss": layers.softmax_before_loss,
    "batchnorm-without-scale": layers.batchnorm_without_scale,
    "zero-start": layers.zero_start,
    "no-test-data": data.no_test_data,
    "test-on-training-data": data.training_data_in_tests,
    "test-transform": data.other_transform_in_tests,
    "sorted-training-data": data.sorted_training_data,
}

_IGNORE = r"#[^\n]*netspec:\s*ignore\[([^\]\n]*)\]"
_IN_LINE = re.compile(_IGNORE)
_IN_FILE = re.compile(rf"^\s*{_IGNORE}", re.MULTILINE)


def advise(subject: Subject, ignored: Collection[str] = ()) -> list[Diagnostic]:
    """Warnings of what makes such nets fail, each once, with its name in brackets behind the message.

    Args:
        subject: the nets, and their solver.
        ignored: names of advice that is not wanted. A comment ``# netspec: ignore[name]`` in the text holds
            one back, too: for the line that it ends, or for the whole file where it stands alone in a line.
    """
    found: dict[tuple[str, str], Diagnostic] = {}
    for name, advice in ADVICE.items():
        for diagnostic in advice(subject) if name not in ignored else ():
            if diagnostic.span is None or name not in _ignored_at(diagnostic.span):
                said = replace(diagnostic, message=f"{diagnostic.message} [{name}]")
                found.setdefault((name, str(said.span)), said)
    return [*found.values()]


def _ignored_at(span: Span) -> set[str]:
    lists = [*_IN_LINE.findall(span.source.line(span.line)), *_IN_FILE.findall(span.source.text)]
    return {name.strip() for names in lists for name in names.split(",")}
