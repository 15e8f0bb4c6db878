# ruff: noqa: C408  (nets are written here as scripts write them)
import copy

import numpy as np
import pytest

from netspec.layers.registry import layer_types
from netspec.pycaffe import net_spec
from netspec.pycaffe.net_spec import NetSpec, Top, assign_proto, param_name_dict, to_proto
from netspec.pycaffe.net_spec import layers as L
from netspec.pycaffe.net_spec import params as P
from netspec.pycaffe.proto import caffe_pb2


def lenet():
    n = NetSpec()
    n.data, n.label = L.DummyData(
        shape=[dict(dim=[4, 1, 28, 28]), dict(dim=[4])], transform_param=dict(scale=0.5), ntop=2
    )
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=20, weight_filler=dict(type="xavier"))
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.ip1 = L.InnerProduct(n.pool1, num_output=50, weight_filler=dict(type="xavier"))
    n.relu1 = L.ReLU(n.ip1, in_place=True)
    n.ip2 = L.InnerProduct(n.relu1, num_output=10, weight_filler=dict(type="xavier"))
    n.loss = L.SoftmaxWithLoss(n.ip2, n.label)
    return n


def wires(net):
    return [(layer.name, layer.type, list(layer.bottom), list(layer.top)) for layer in net.layer]


def test_a_net_by_names(compile_text):
    net = lenet().to_proto()
    assert wires(net) == [
        ("data", "DummyData", [], ["data", "label"]),
        ("conv1", "Convolution", ["data"], ["conv1"]),
        ("pool1", "Pooling", ["conv1"], ["pool1"]),
        ("ip1", "InnerProduct", ["pool1"], ["ip1"]),
        ("relu1", "ReLU", ["ip1"], ["ip1"]),
        ("ip2", "InnerProduct", ["ip1"], ["ip2"]),
        ("loss", "SoftmaxWithLoss", ["ip2", "label"], ["loss"]),
    ]
    assert [list(shape.dim) for shape in net.layer[0].dummy_data_param.shape] == [[4, 1, 28, 28], [4]]
    assert net.layer[0].transform_param.scale == 0.5
    assert list(net.layer[1].convolution_param.kernel_size) == [5]
    assert net.layer[1].convolution_param.weight_filler.type == "xavier"
    assert net.layer[2].pooling_param.pool == caffe_pb2.PoolingParameter.MAX
    compiled = compile_text(str(net), phase="TRAIN")
    loss = compiled.loss(compiled())
    assert loss.item() == pytest.approx(np.log(10))  # images of zeros, biases of zeros


def test_a_net_without_names():
    data, label = L.DummyData(shape=[dict(dim=[4, 8]), dict(dim=[4])], ntop=2)
    x = L.ReLU(L.InnerProduct(data, num_output=6), in_place=True)
    loss = L.SoftmaxWithLoss(L.InnerProduct(x, num_output=3), label)
    assert wires(loss.to_proto()) == [
        ("DummyData1", "DummyData", [], ["DummyData1", "DummyData2"]),
        ("InnerProduct1", "InnerProduct", ["DummyData1"], ["InnerProduct1"]),
        ("ReLU1", "ReLU", ["InnerProduct1"], ["InnerProduct1"]),
        ("InnerProduct2", "InnerProduct", ["InnerProduct1"], ["InnerProduct2"]),
        ("SoftmaxWithLoss1", "SoftmaxWithLoss", ["InnerProduct2", "DummyData2"], ["SoftmaxWithLoss1"]),
    ]


def test_to_proto_takes_what_its_tops_need_and_each_layer_once():
    data = L.Input(shape=dict(dim=[1, 2]))
    left, right, unused = L.ReLU(data), L.TanH(data), L.AbsVal(data)
    both = L.Eltwise(left, right, left)
    net = to_proto(left, both)
    assert [layer.name for layer in net.layer] == ["Input1", "ReLU1", "TanH1", "Eltwise1"]
    assert list(net.layer[3].bottom) == ["ReLU1", "TanH1", "ReLU1"]
    assert len(to_proto(unused).layer) == 2
    assert len(to_proto().layer) == 0


def test_layers_without_tops():
    n = NetSpec()
    n.data, n.data2 = L.DummyData(shape=dict(dim=3), ntop=2)
    n.silence = L.Silence(n.data, ntop=0)
    assert isinstance(n.silence, net_spec.Function)
    assert wires(n.to_proto())[1:] == [("silence", "Silence", ["data"], [])]
    assert net_spec._Writer().net([L.Silence(n.data2, ntop=0)]).layer[1].name == "Silence1"


def test_an_input_is_a_top():
    data = L.DummyData(ntop=2)
    with pytest.raises(TypeError, match=r"^Silence input 0 is not a Top \(type is <class 'tuple'>\)$"):
        L.Silence(data, ntop=0)
    assert L.Silence(*data, ntop=0).inputs == data
    with pytest.raises(TypeError, match="ReLU input 0"):
        L.ReLU("data")


def test_what_a_layer_is_given():
    data = L.Input(shape=dict(dim=[1]))
    layer = (
        L.Convolution(
            data,
            name="c",
            num_output=4,
            kernel_size=[3, 5],
            param=[dict(lr_mult=1, decay_mult=0), dict(name="b")],
            include=dict(phase=caffe_pb2.TEST, stage=["a", "b"]),
            exclude=[dict(min_level=1)],
            loss_weight=2,
            propagate_down=[True],
            convolution_param=dict(pad=1),
        )
        .to_proto()
        .layer[1]
    )
    assert layer.name == "c"
    assert list(layer.top) == ["Convolution1"]
    assert [(p.lr_mult, p.decay_mult, p.name) for p in layer.param] == [(1, 0, ""), (1, 1, "b")]
    assert (layer.include[0].phase, list(layer.include[0].stage)) == (1, ["a", "b"])
    assert layer.exclude[0].min_level == 1
    assert (list(layer.loss_weight), list(layer.propagate_down)) == ([2], [True])
    kernel = layer.convolution_param
    assert (kernel.num_output, list(kernel.kernel_size), list(kernel.pad)) == (4, [3, 5], [1])


def test_a_python_layer():
    n = NetSpec()
    n.data, n.label = L.Python(module="digits", layer="Digits", param_str="{'n': 3}", ntop=2)
    layer = n.to_proto().layer[0]
    assert list(layer.top) == ["data", "label"]
    param = layer.python_param
    assert (param.module, param.layer, param.param_str) == ("digits", "Digits", "{'n': 3}")


def test_netspec_s_own_layers():
    data, theta = L.Input(shape=dict(dim=[1, 1, 8, 8])), L.Input(shape=dict(dim=[1, 6]))
    st = L.SpatialTransformer(data, theta, output_H=4, output_W=5).to_proto().layer[2].st_param
    assert (st.output_H, st.output_W) == (4, 5)
    digits = L.ClutteredDigits(batch_size=3, ntop=2)[0].to_proto().layer[0]
    assert digits.cluttered_digits_param.batch_size == 3
    deconvolution = L.Deconvolution(data, num_output=2, kernel_size=4).to_proto().layer[1]
    assert deconvolution.convolution_param.num_output == 2
    # Two types whose names differ in case alone.
    assert L.LSTM(data, num_output=2).to_proto().layer[1].recurrent_param.num_output == 2
    assert L.Lstm(data, num_output=2).to_proto().layer[1].lstm_param.num_output == 2
    nms = L.DetectionOutput(data, nms_param=dict(nms_threshold=0.5)).to_proto().layer[1]
    assert nms.detection_output_param.nms_param.nms_threshold == 0.5


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (dict(kernal_size=3), "layer 'c' .Convolution.: no field 'kernal_size' .*did you mean 'kernel_size'"),
        (dict(relu_pram=dict()), "no field 'relu_pram'"),
        (dict(weight_filler=dict(typ="xavier")), "typ"),
    ],
)
def test_what_is_no_parameter(wrong, message):
    n = NetSpec()
    n.c = L.Convolution(L.Input(shape=dict(dim=1)), **wrong)
    with pytest.raises(AttributeError, match=message):
        n.to_proto()


def test_a_layer_type_that_is_unknown_is_written_as_it_is():
    top = L.Imaginary(L.Input(shape=dict(dim=1)), loss_weight=1)
    assert top.to_proto().layer[1].type == "Imaginary"
    with pytest.raises(AttributeError, match="no field 'size' in a layer"):
        L.Imaginary(size=1).to_proto()


def test_a_value_of_another_type():
    with pytest.raises(TypeError):
        L.Convolution(num_output="many").to_proto()


def test_values_of_enums():
    assert (P.Pooling.MAX, P.Pooling.AVE) == (0, 1)
    assert P.Data.LMDB == caffe_pb2.DataParameter.LMDB
    assert P.Eltwise.PROD == 0
    with pytest.raises(AttributeError):
        _ = P.Pooling.MEAN
    with pytest.raises(AttributeError):
        _ = P.Poling.MAX


def test_the_names_of_a_spec():
    n = lenet()
    assert n.keys() == ["data", "label", "conv1", "pool1", "ip1", "relu1", "ip2", "loss"]
    assert n.vals() == list(n.tops.values())
    assert n["conv1"] is n.conv1
    assert isinstance(n.conv1, Top)
    n["extra"] = L.AbsVal(n.ip2)
    assert n.to_proto().layer[-1].name == "extra"
    del n["extra"]
    del n.loss
    assert n.keys()[-1] == "ip2"
    for name in ("extra", "loss"):
        with pytest.raises(KeyError, match=name):
            _ = n[name]
    with pytest.raises(KeyError, match="nothing"):
        _ = n.nothing
    assert not hasattr(n, "nothing")
    with pytest.raises(KeyError, match="nothing"):
        n.update("nothing", {})


def test_a_name_may_come_from_elsewhere():
    n = NetSpec()
    for width in (3, 5):
        n[f"ip/{width}"] = L.InnerProduct(L.Input(shape=dict(dim=[1, 2])), num_output=width)
    assert [layer.name for layer in n.to_proto().layer] == ["Input1", "ip/3", "Input2", "ip/5"]


def test_a_spec_can_be_changed_and_copied():
    n = lenet()
    before = n.to_proto()
    other = copy.deepcopy(n)
    n.update("conv1", dict(num_output=7, pad=2))
    assert n.to_proto().layer[1].convolution_param.num_output == 7
    assert list(n.to_proto().layer[1].convolution_param.pad) == [2]
    assert other.to_proto() == before != n.to_proto()


def test_of_two_names_the_later_one_holds():
    n = NetSpec()
    n.a = n.b = L.Input(shape=dict(dim=1))
    assert wires(n.to_proto()) == [("b", "Input", [], ["b"])]


def test_deep_nets_are_no_matter_of_the_stack():
    x = L.Input(shape=dict(dim=1))
    for _ in range(2000):
        x = L.ReLU(x)
    assert x.to_proto().layer[-1].name == "ReLU2000"


def test_assigning_to_messages():
    layer = caffe_pb2.LayerParameter()
    assign_proto(layer, "name", "a")
    assign_proto(layer, "bottom", "x")
    assign_proto(layer, "top", ["y", "z"])
    assign_proto(layer, "param", [dict(lr_mult=2), dict()])
    assign_proto(layer, "input_param", dict(shape=[dict(dim=[1, 2]), dict(dim=3)]))
    assign_proto(layer, "include", [])
    assert (layer.name, list(layer.bottom), list(layer.top)) == ("a", ["x"], ["y", "z"])
    assert [param.lr_mult for param in layer.param] == [2, 1]
    assert [list(shape.dim) for shape in layer.input_param.shape] == [[1, 2], [3]]
    assert not layer.include
    with pytest.raises(AttributeError):
        assign_proto(layer, "nome", "a")


def test_the_message_of_each_type():
    names = param_name_dict()
    expected = {"Convolution": "convolution", "InnerProduct": "inner_product", "HDF5Data": "hdf5_data"}
    assert expected.items() <= names.items()
    assert names["SpatialTransformer"] == "st"
    fields = caffe_pb2.LayerParameter.DESCRIPTOR.fields_by_name
    assert {f"{name}_param" for name in names.values()} <= set(fields)


def test_no_layer_type_reads_a_message_that_cannot_be_written_to():
    from netspec.cli.layers import _parameters

    # What several kinds of layers share is always written out.
    shared = {"transform_param", "loss_param"}
    names = param_name_dict()
    for type, cls in layer_types().items():
        read = {field.name for field in _parameters(cls)} - shared
        if len(read) == 1 and type != "SoftmaxWithLoss":
            assert f"{names[type]}_param" in read


def test_the_pseudo_modules_have_no_python_internals():
    with pytest.raises(AttributeError):
        _ = L.__path__
    assert isinstance(L, net_spec.Layers)
    assert isinstance(P, net_spec.Parameters)
