"""What blobs start as.

Fillers draw on the CPU, in float32, from the generator they are given, so that a seed means the same numbers
on every device.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import ceil, prod, sqrt
from pathlib import Path

import torch
from torch import Generator, Tensor

from netspec.errors import NetError
from netspec.schema.messages import FillerParameter
from netspec.schema.spans import Spans
from netspec.text.paths import resolve
from netspec.text.source import Source, Span
from netspec.text.suggest import nearest

Filler = Callable[[tuple[int, ...], Generator], Tensor]


def find_filler(message: FillerParameter, spans: Spans) -> Filler:
    """The filler that a message describes: called with a shape and a generator, it gives a float32 tensor.

    Raises:
        NetError: there is no such type of filler; or, from the filler, it does not fit the shape.
    """
    make = _MAKERS.get(message.type)
    if make is None:
        near = nearest(message.type, _MAKERS)
        hint = f"did you mean '{near}'?" if near else f"the types are {', '.join(_MAKERS)}"
        raise NetError.at(f"unknown filler type '{message.type}'", spans.at("type"), help=hint)
    return make(message, spans)


def _constant(message: FillerParameter, spans: Spans) -> Filler:
    value = message.value
    return lambda shape, generator: torch.full(shape, value)


def _uniform(message: FillerParameter, spans: Spans) -> Filler:
    low, high = message.min, message.max
    if low > high:
        raise NetError.at(f"filler uniform: min {low:g} is above max {high:g}", spans.at("min"))
    return lambda shape, generator: torch.empty(shape).uniform_(low, high, generator=generator)


def _gaussian(message: FillerParameter, spans: Spans) -> Filler:
    mean, std, sparse = message.mean, message.std, message.sparse
    if std < 0:
        raise NetError.at(f"filler gaussian: std {std:g} is negative", spans.at("std"))

    def fill(shape: tuple[int, ...], generator: Generator) -> Tensor:
        values = torch.empty(shape).normal_(mean, std, generator=generator)
        if sparse < 0:
            return values
        share = min(1.0, sparse / shape[0])  # of the weights that are not zero
        return values * torch.empty(shape).bernoulli_(share, generator=generator)

    return fill


def _fan(shape: tuple[int, ...], message: FillerParameter) -> float:
    count = prod(shape)
    fan_in = count / shape[0]
    fan_out = count / shape[1] if len(shape) > 1 else count
    if message.variance_norm == FillerParameter.FAN_OUT:
        return fan_out
    return (fan_in + fan_out) / 2 if message.variance_norm == FillerParameter.AVERAGE else fan_in


def _xavier(message: FillerParameter, spans: Spans) -> Filler:
    """U(-s, s) with s = sqrt(3/n). Glorot & Bengio, "Understanding the difficulty of training deep
    feedforward neural networks", 2010."""

    def fill(shape: tuple[int, ...], generator: Generator) -> Tensor:
        scale = sqrt(3 / _fan(shape, message))
        return torch.empty(shape).uniform_(-scale, scale, generator=generator)

    return fill


def _msra(message: FillerParameter, spans: Spans) -> Filler:
    """N(0, sqrt(2/n)). He, Zhang, Ren & Sun, "Delving deep into rectifiers", 2015."""

    def fill(shape: tuple[int, ...], generator: Generator) -> Tensor:
        return torch.empty(shape).normal_(0, sqrt(2 / _fan(shape, message)), generator=generator)

    return fill


def _bilinear(message: FillerParameter, spans: Spans) -> Filler:
    """The kernel with which a deconvolution of stride f = ceil(k/2) interpolates. Long, Shelhamer & Darrell,
    "Fully convolutional networks for semantic segmentation", 2015."""

    def fill(shape: tuple[int, ...], generator: Generator) -> Tensor:
        if len(shape) != 4 or shape[2] != shape[3]:
            found = "x".join(map(str, shape))
            raise NetError.at(f"filler bilinear: fills NxCxKxK kernels, not {found}", spans.at("type"))
        side = shape[3]
        factor = ceil(side / 2)
        line = 1 - (torch.arange(side) / factor - (side - 1) / (2 * factor)).abs()
        return torch.outer(line, line).repeat(*shape[:2], 1, 1)

    return fill


def _positive_unitball(message: FillerParameter, spans: Spans) -> Filler:
    def fill(shape: tuple[int, ...], generator: Generator) -> Tensor:
        rows = torch.empty(shape[0], prod(shape[1:])).uniform_(0, 1, generator=generator)
        return (rows / rows.sum(1, keepdim=True)).reshape(shape)

    return fill


def _file(message: FillerParameter, spans: Spans) -> Filler:
    if not message.file:
        raise NetError.at("filler file: the field 'file' is missing", spans.span)

    def fill(shape: tuple[int, ...], generator: Generator) -> Tensor:
        path = resolve(message.file, spans.at("file"), "filler file")
        wanted, values = prod(shape), read_numbers(path, "filler file")
        if len(values) < wanted:
            blob = "x".join(map(str, shape))
            message_ = f"filler file: expected {wanted} numbers for a blob of {blob}, found {len(values)}"
            raise NetError.at(f"{message_} in '{path}'", spans.at("file"))
        return torch.tensor(values[:wanted], dtype=torch.float32).reshape(shape)

    return fill


def read_numbers(path: Path, whose: str) -> list[float]:
    """The whitespace-separated numbers of a text file.

    Raises:
        NetError: it is no text, or there is something else in it.
    """
    try:
        source = Source(str(path), path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise NetError.at(f"{whose}: cannot read it as text: {error}", file=str(path)) from error
    values: list[float] = []
    for word in re.finditer(r"\S+", source.text):
        try:
            values.append(float(word[0]))
        except ValueError:
            span = Span(source, *word.span())
            raise NetError.at(f"{whose}: expected a number, found '{word[0]}'", span) from None
    return values


_MAKERS: dict[str, Callable[[FillerParameter, Spans], Filler]] = {
    "constant": _constant,
    "uniform": _uniform,
    "gaussian": _gaussian,
    "xavier": _xavier,
    "msra": _msra,
    "bilinear": _bilinear,
    "positive_unitball": _positive_unitball,
    "file": _file,
}
