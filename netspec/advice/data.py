"""What a training needs of the data it learns from and is tested on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from netspec.advice.subject import Subject, warn
from netspec.compiler.net import Net
from netspec.data.image_list import read_listing
from netspec.layers.base import DataLayer
from netspec.layers.image_data import ImageData
from netspec.solver.settings import Settings
from netspec.text.diagnostic import Diagnostic

_NETS = ("net", "net_param", "train_net", "train_net_param")
# Whose source is read in both phases alike.
_READING = ("data_param", "image_data_param", "hdf5_data_param", "window_data_param")
# What must be the same for images that are trained on and tested on, unlike crop_size and mirror.
_TRANSFORM = ("scale", "mean_file", "mean_value", "force_color", "force_gray")


def no_test_data(subject: Subject) -> Iterator[Diagnostic]:
    """A training of which no test tells how it does on images that it has not seen."""
    if subject.settings is not None:
        yield from _untested(subject, subject.settings)
    elif not subject.tests:
        for layer in _learned_from(subject)[:1]:
            help = "add a data layer of other images with include { phase: TEST }, for a solver to test on"
            yield warn(layer, "nothing feeds the net in the phase TEST", help=help)


def _untested(subject: Subject, settings: Settings) -> Iterator[Diagnostic]:
    spans = settings.document.spans
    if not subject.tests:
        span = next(spans.at(name) for name in _NETS if settings.message.HasField(name))
        help = "data for the phase TEST, with test_iter and test_interval, show what it makes of new images"
        yield Diagnostic("the solver never tests its net", span, help, severity="warning")
    for index, net in enumerate(subject.tests if _learned_from(subject) else ()):
        if not _data_layers(net):
            message = "the net of this test has no data layer to draw batches from"
            help = "add one with include { phase: TEST }"
            yield Diagnostic(message, spans.at("test_iter", index), help, severity="warning")


def training_data_in_tests(subject: Subject) -> Iterator[Diagnostic]:
    """A test on the very files that are trained on."""
    trained = {_source(layer) for layer in _learned_from(subject)}
    for layer in _tested_on(subject):
        source = _source(layer)
        if source is not None and source in trained:
            message = f"the phases TRAIN and TEST both read '{source[1]}'"
            help = "only images that were not learned from tell how good a net is: give TEST others"
            yield warn(layer, message, source[0], "source", help=help)


def other_transform_in_tests(subject: Subject) -> Iterator[Diagnostic]:
    """Images that are scaled or centred in one way for the training and in another for its tests."""
    trained = {(layer.spec.type, layer.spec.top[0]): layer for layer in _learned_from(subject)}
    for layer in _tested_on(subject):
        twin = trained.get((layer.spec.type, layer.spec.top[0]), layer)
        unlike = {
            field: (here, there)
            for field in _TRANSFORM
            if (here := _shown(layer, field)) != (there := _shown(twin, field))
        }
        if unlike:
            listed = ", ".join(f"{field} is {here}, not {there}" for field, (here, there) in unlike.items())
            message = f"images are not transformed as for the training: {listed}"
            help = "the net is tested on images unlike those it has learned from: write the same for both"
            yield warn(layer, message, "transform_param", next(iter(unlike)), help=help)


def sorted_training_data(subject: Subject) -> Iterator[Diagnostic]:
    """A list of images that is sorted by class, and read in that order."""
    for layer in _learned_from(subject):
        if isinstance(layer, ImageData) and not layer.spec.image_data_param.shuffle:
            path = ("image_data_param", "source")
            labels = read_listing(layer.find_file(layer.spec.image_data_param.source, *path)).labels
            is_sorted = bool((np.diff(labels) >= 0).all()) and labels[0] != labels[-1]
            if is_sorted and len(labels) > layer.spec.image_data_param.batch_size:
                message = "the list is sorted by class, and read in its order"
                help = "add shuffle: true: from batches of one class, a net learns to answer with that class"
                yield warn(layer, message, *path, help=help)


def _learned_from(subject: Subject) -> list[DataLayer]:
    """The data layers of the train net, if it has a loss."""
    net = subject.train
    return _data_layers(net) if net is not None and net.loss_weights else []


def _tested_on(subject: Subject) -> list[DataLayer]:
    return [layer for net in subject.tests for layer in _data_layers(net)]


def _data_layers(net: Net) -> list[DataLayer]:
    return [node.layer for node in net.graph.sources if isinstance(node.layer, DataLayer)]


def _source(layer: DataLayer) -> tuple[str, str] | None:
    """The field of the layer that says what it reads, and what it says; None where it reads nothing."""
    for field in _READING:
        if source := getattr(layer.spec, field).source:
            return field, source
    return None


def _shown(layer: DataLayer, field: str) -> str:
    value = getattr(layer.spec.transform_param, field)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}'" if value else "nothing"
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(f"{each:g}" for each in value) or "nothing"
