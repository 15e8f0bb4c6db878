"""Turns V1 layers (2014, ``layers``) into today's, ``layer``."""

from __future__ import annotations

from netspec.errors import NetError
from netspec.passes.rewrite import OldLayer, PlacedLayer, old_layers_of, set_field, with_layers
from netspec.schema.document import Document, Spans
from netspec.schema.messages import LayerParameter, NetParameter, ParamSpec, V1LayerParameter
from netspec.text.diagnostic import Note

# How a type is written today.
_TYPES = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ACCURACY": "Accuracy",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "CONCAT": "Concat",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "CONVOLUTION": "Convolution",
    "DATA": "Data",
    "DECONVOLUTION": "Deconvolution",
    "DROPOUT": "Dropout",
    "DUMMY_DATA": "DummyData",
    "ELTWISE": "Eltwise",
    "EUCLIDEAN_LOSS": "EuclideanLoss",
    "EXP": "Exp",
    "FLATTEN": "Flatten",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "HINGE_LOSS": "HingeLoss",
    "IM2COL": "Im2col",
    "IMAGE_DATA": "ImageData",
    "INFOGAIN_LOSS": "InfogainLoss",
    "INNER_PRODUCT": "InnerProduct",
    "LRN": "LRN",
    "MEMORY_DATA": "MemoryData",
    "MULTINOMIAL_LOGISTIC_LOSS": "MultinomialLogisticLoss",
    "MVN": "MVN",
    "POOLING": "Pooling",
    "POWER": "Power",
    "RELU": "ReLU",
    "SIGMOID": "Sigmoid",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SILENCE": "Silence",
    "SLICE": "Slice",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPLIT": "Split",
    "TANH": "TanH",
    "THRESHOLD": "Threshold",
    "WINDOW_DATA": "WindowData",
}
# Lists with an entry for each blob, and the field of a `param` block that says it now.
_PARAM_FIELDS = {
    "param": "name",
    "blob_share_mode": "share_mode",
    "blobs_lr": "lr_mult",
    "weight_decay": "decay_mult",
}


def v1_to_v2(document: Document[NetParameter]) -> Document[NetParameter]:
    """The net with each of its ``layers`` as a ``layer``. V0 layers must be gone, old data fields moved.

    Raises:
        NetError: the net has both ``layers`` and ``layer``.
    """
    net, spans = document.message, document.spans
    if not net.layers:
        return document
    if net.layer:
        raise NetError.at(
            "the net has both 'layer' and the old 'layers'",
            spans.at("layers"),
            notes=(Note("'layer' is here", spans.at("layer")),),
            help="Caffe would drop every 'layer': write all of them in one form",
        )
    return with_layers(document, [_upgraded(layer) for layer in old_layers_of(document)], drop=["layers"])


def _upgraded(old: OldLayer) -> PlacedLayer:
    spec, spans = old
    made = LayerParameter()
    for field, value in spec.ListFields():
        if field.name == "type":
            made.type = _TYPES[V1LayerParameter.LayerType.Name(spec.type)]
        elif field.name not in _PARAM_FIELDS:
            set_field(made, field.name, value)
    params = list(_params(spec, spans))
    made.param.extend(param for param, _ in params)
    entries = {name: places for name, places in spans.entries.items() if name not in _PARAM_FIELDS}
    return made, spans.placed(entries | {"param": [places for _, places in params]})


def _params(spec: V1LayerParameter, spans: Spans) -> list[tuple[ParamSpec, Spans]]:
    count = max(len(getattr(spec, old)) for old in _PARAM_FIELDS)
    return [_param(spec, spans, index) for index in range(count)]


def _param(spec: V1LayerParameter, spans: Spans, index: int) -> tuple[ParamSpec, Spans]:
    given = {old: new for old, new in _PARAM_FIELDS.items() if index < len(getattr(spec, old))}
    param = ParamSpec(**{new: getattr(spec, old)[index] for old, new in given.items()})
    entries = {new: spans.entries.get(old, [])[index : index + 1] for old, new in given.items()}
    return param, spans.placed(entries, next(iter(given)), index)
