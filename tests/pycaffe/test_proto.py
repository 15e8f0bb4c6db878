import pickle

import pytest
from google.protobuf import text_format

from netspec.pycaffe import proto
from netspec.pycaffe.proto import caffe_pb2

CAFFE_S = [
    "BlobShape", "BlobProto", "BlobProtoVector", "Datum", "FillerParameter", "NetParameter",
    "SolverParameter",
    "SolverState", "NetState", "NetStateRule", "ParamSpec", "LayerParameter", "TransformationParameter",
    "LossParameter", "AccuracyParameter", "ArgMaxParameter", "ClipParameter", "ConcatParameter",
    "BatchNormParameter", "BiasParameter", "ContrastiveLossParameter", "ConvolutionParameter",
    "CropParameter", "DataParameter", "DropoutParameter", "DummyDataParameter", "EltwiseParameter",
    "ELUParameter", "EmbedParameter", "ExpParameter", "FlattenParameter", "HDF5DataParameter",
    "HDF5OutputParameter", "HingeLossParameter", "ImageDataParameter", "InfogainLossParameter",
    "InnerProductParameter", "InputParameter", "LogParameter", "LRNParameter", "MemoryDataParameter",
    "MVNParameter", "ParameterParameter", "PoolingParameter", "PowerParameter", "PythonParameter",
    "RecurrentParameter", "ReductionParameter", "ReLUParameter", "ReshapeParameter", "ScaleParameter",
    "SigmoidParameter", "SliceParameter", "SoftmaxParameter", "SwishParameter", "TanHParameter",
    "TileParameter", "ThresholdParameter", "WindowDataParameter", "SPPParameter", "V1LayerParameter",
    "V0LayerParameter", "PReLUParameter",
]  # fmt: skip


def test_the_package_holds_the_module():
    assert proto.caffe_pb2 is caffe_pb2


@pytest.mark.parametrize("name", CAFFE_S)
def test_every_message_of_caffe_s_is_there(name):
    message = getattr(caffe_pb2, name)()
    assert type(message).FromString(message.SerializePartialToString()) == message


def test_phases_and_enums():
    assert (caffe_pb2.TRAIN, caffe_pb2.TEST) == (0, 1)
    assert caffe_pb2.Phase.Name(1) == "TEST"
    assert caffe_pb2.V1LayerParameter.LayerType.Name(caffe_pb2.V1LayerParameter.CONVOLUTION) == "CONVOLUTION"
    assert caffe_pb2.SolverParameter.SolverType.Value("ADAM") == 5
    assert caffe_pb2.DESCRIPTOR.message_types_by_name["NetParameter"].name == "NetParameter"


def test_text_format_reads_and_writes():
    text = 'name: "n"\nlayer {\n  name: "c"\n  input_param {\n    shape {\n      dim: 3\n    }\n  }\n}\n'
    net = caffe_pb2.NetParameter()
    assert text_format.Merge(text, net) is net
    assert list(net.layer[0].input_param.shape[0].dim) == [3]
    assert text_format.MessageToString(net) == text == str(net)
    with pytest.raises(text_format.ParseError):
        text_format.Merge("nmae: 3", net)


def test_binary_numbers_are_caffe_s():
    # Fields 1 (name), 100 (layer) with 1 (name), 2 (type) and 7 (blobs), of that 7 (shape) and 5 (data).
    blob = b"\x2a\x04\x00\x00\x80\x3f" + b"\x3a\x03\x0a\x01\x01"
    layer = b"\x0a\x01c" + b"\x12\x01T" + b"\x3a" + bytes([len(blob)]) + blob
    data = b"\x0a\x01n" + b"\xa2\x06" + bytes([len(layer)]) + layer
    net = caffe_pb2.NetParameter()
    net.ParseFromString(data)
    assert (net.name, net.layer[0].name, net.layer[0].type) == ("n", "c", "T")
    assert list(net.layer[0].blobs[0].data) == [1.0]
    assert list(net.layer[0].blobs[0].shape.dim) == [1]
    assert net.SerializeToString() == data


def test_messages_are_those_of_netspec_and_can_be_pickled():
    from netspec.schema.messages import NetParameter

    net = caffe_pb2.NetParameter(name="n", layer=[{"name": "a"}])
    assert isinstance(net, NetParameter)
    assert pickle.loads(pickle.dumps(net)) == net
