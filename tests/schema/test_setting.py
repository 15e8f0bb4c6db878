"""Fields named by their paths, and values for them."""

from __future__ import annotations

import pytest

from netspec.errors import ParseError
from netspec.schema.document import load_document
from netspec.schema.extensions import layer_message
from netspec.schema.messages import NetParameter, PoolingParameter, SolverParameter
from netspec.schema.setting import read_setting
from netspec.text.source import Source

NET = """
name: "n"
layer { name: "data" type: "DummyData" top: "d" include { phase: TRAIN }
  dummy_data_param { shape { dim: 2 dim: 3 } } }
layer { name: "data" type: "DummyData" top: "d" include { phase: TEST }
  dummy_data_param { shape { dim: 4 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "d" top: "e" inner_product_param { num_output: 3 } }
layer { name: "ip/3x3.reduce" type: "Convolution" bottom: "e" top: "f" }
layer { name: "pool" type: "Pooling" bottom: "f" top: "g" pooling_param { pool: MAX kernel_size: 2 } }
"""
SOLVER = 'net: "net.prototxt"\nbase_lr: 0.1\nstepvalue: 10\nstepvalue: 20\n'


@pytest.fixture
def net():
    return load_document(Source("net.prototxt", NET), NetParameter)


@pytest.fixture
def solver():
    return load_document(Source("solver.prototxt", SOLVER), SolverParameter)


def put_document(text, document, index=0):
    return read_setting(text).put(document, index)


def put(text, document, index=0):
    return put_document(text, document, index).message


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=1", ["1"]),
        ("a = 1, 2 ,3 ", ["1", "2", "3"]),
        ("a=\"x,y\",'p,q',z", ['"x,y"', "'p,q'", "z"]),
        ("a=[1,2],[3]", ["[1,2]", "[3]"]),
        ("a={b: 1, c: [2, 3]},<b: 2>", ["{b: 1, c: [2, 3]}", "<b: 2>"]),
        ("a=x=1,y=2", ["x=1", "y=2"]),
        ("a=data/train lmdb,-1e-3", ["data/train lmdb", "-1e-3"]),
    ],
)
def test_values_are_parted_by_commas_outside_of_quotes_and_brackets(text, values):
    setting = read_setting(text)
    assert setting.path == "a"
    assert [value.text for value in setting.values] == values
    for value in setting.values:
        assert setting.source.text[value.start :].startswith(value.text)


def test_fields_of_a_solver(solver):
    assert put("base_lr=0.5,1e-3", solver, 1).base_lr == pytest.approx(1e-3)
    assert put("type=Adam", solver).type == "Adam"
    assert put('type="Adam"', solver).type == "Adam"
    assert put("debug_info=true", solver).debug_info
    assert put("snapshot_format=HDF5", solver).snapshot_format == SolverParameter.HDF5
    assert put("momentum=-0.5", solver).momentum == -0.5
    assert put("test_state.stage=a", solver).test_state[0].stage == ["a"]
    assert put("net=models/it is.prototxt", solver).net == "models/it is.prototxt"
    assert put(r"net=a\b", solver).net == r"a\b"


def test_repeated_fields(solver, net):
    assert put("stepvalue=5", solver).stepvalue == [5]
    assert put("stepvalue=[5,6,7],[8]", solver).stepvalue == [5, 6, 7]
    assert put("stepvalue[1]=15", solver).stepvalue == [10, 15]
    assert put("stepvalue[2]=30", solver).stepvalue == [10, 20, 30]
    assert put("net.layer.ip.bottom[1]=x", net).layer[2].bottom == ["d", "x"]


def test_a_layer_is_found_by_its_name_with_dots_and_slashes_in_it(net):
    path = "net.layer.ip/3x3.reduce.convolution_param"
    spec = put(f"{path}.kernel_size=3", put_document(f"{path}.num_output=20,50", net, 1)).layer[3]
    assert (spec.convolution_param.num_output, spec.convolution_param.kernel_size) == (50, [3])
    assert (
        put("net.layer.ip.inner_product_param.num_output=7", net).layer[2].inner_product_param.num_output == 7
    )


def test_all_layers_of_the_name_are_set(net):
    layers = put("net.layer.data.dummy_data_param.shape.dim[0]=8", net).layer
    assert [layer.dummy_data_param.shape[0].dim for layer in layers[:2]] == [[8, 3], [8, 3]]


def test_messages_on_the_way_are_made(net):
    ip = put("net.layer.ip.inner_product_param.weight_filler.type=xavier", net).layer[2]
    assert ip.inner_product_param.num_output == 3
    assert ip.inner_product_param.weight_filler.type == "xavier"
    assert [spec.lr_mult for spec in put("net.layer.ip.param[1].lr_mult=0", net).layer[2].param] == [1, 0]


def test_a_message_as_a_value_replaces_what_was_there(net):
    ip = put("net.layer.ip.inner_product_param={bias_term: false}", net).layer[2]
    assert not ip.inner_product_param.bias_term
    assert not ip.inner_product_param.HasField("num_output")


def test_other_fields_of_a_net(net):
    assert put("net.force_backward=true", net).force_backward
    assert put("net.input_shape.dim=[1,2]", net).input_shape[0].dim == [1, 2]
    assert put("net.layer[4].pooling_param.pool=AVE", net).layer[4].pooling_param.pool == PoolingParameter.AVE


def test_fields_that_other_packages_add(net):
    field = layer_message("setting_test_param", factor=1.0, count=int)
    changed = put_document("net.layer.ip.setting_test_param.count=5", net)
    changed = put_document("net.layer.ip.setting_test_param.factor=2", changed)
    assert changed.message.layer[2].Extensions[field].factor == 2
    assert changed.message.layer[2].Extensions[field].count == 5
    whole = put("net.layer.ip.setting_test_param={factor: 3}", changed).layer[2].Extensions[field]
    assert (whole.factor, whole.HasField("count")) == (3, False)


def test_what_was_given_stays_as_it_is(net, solver):
    before = net.message.SerializeToString(), solver.message.SerializeToString()
    put("net.layer.ip.inner_product_param.num_output=7", net)
    put("stepvalue[0]=1", solver)
    assert (net.message.SerializeToString(), solver.message.SerializeToString()) == before
    assert str(net.spans.at("layer", 2, "inner_product_param", "num_output")).startswith("net.prototxt:7:")


def test_places_are_in_the_setting_and_the_others_where_they_were(net):
    changed = put_document("net.layer.ip.inner_product_param.num_output=20,50", net, 1)
    place = changed.spans.at("layer", 2, "inner_product_param", "num_output")
    assert (str(place), place.source.text[place.start : place.end]) == ("--set:1:48", "50")
    assert str(changed.spans.at("layer", 2, "name")) == str(net.spans.at("layer", 2, "name"))
    made = put_document("net.layer.ip.param[1].lr_mult=0", net).spans.at("layer", 2, "param", 1, "lr_mult")
    assert str(made) == "--set:1:31"
    text = put_document("net.layer.ip.bottom=['x','y']", net).spans.at("layer", 2, "bottom", 1)
    assert text.source.text[text.start : text.end] == "['x','y']"


def test_paths_in_values_lie_beside_the_text_that_they_go_into(tmp_path):
    file = tmp_path / "net.prototxt"
    file.write_text(NET)
    document = put_document(
        "net.layer.ip.inner_product_param.weight_filler.file=w.txt", load_document(file, NetParameter)
    )
    place = document.spans.at("layer", 2, "inner_product_param", "weight_filler", "file")
    assert place.source.folder == tmp_path


WRONG = """
base_lrr=1 | 1 | unknown field 'base_lrr' in 'SolverParameter' | did you mean 'base_lr'?
base_lr=x | 9 | expected a number for 'base_lr', found 'x' | None
base_lr=0..1 | 9 | malformed number '0..1' | None
max_iter=1.0 | 10 | expected an integer for 'max_iter', found 1.0 | write 1
test_state[2].stage=a | 1 | there is no test_state[2]: there are 0 'test_state' so far | \
the next one is test_state[0]
base_lr[0]=1 | 1 | 'base_lr' has a single value | leave out [0]
base_lr.x=1 | 9 | expected a number for 'base_lr', found a block | write base_lr: and the value
net..x=1 | 5 | expected the name of a field | None
net.layer.ipp.bottom=x | 11 | the net has no layer 'ipp' | did you mean 'ip'?
net.layer.type=ReLU | 11 | the net has no layer 'type' | `netspec summary` lists a net's layers
net.layers.ip.bottom=x | 12 | the net has no layer 'ip' | \
this net's layers are called 'layer': net.layer.ip.bottom
net.layer.ip=x | 11 | a layer is named, but no field of it | None
net.layer.ip.num_output=5 | 14 | unknown field 'num_output' in 'layer' | \
'num_output' belongs in inner_product_param
net.layer.pool.pooling_param.pool=MEAN | 35 | 'MEAN' is not a value of 'pool' | \
expected MAX, AVE or STOCHASTIC
net.layer.pool.pooling_param.kernel_size=-1 | 42 | \
-1 is out of range for 'kernel_size': expected 0 to 4294967295 | None
net.layer.ip.param[99999].lr_mult=1 | 14 | there is no param[99999]: there are 0 'param' so far | \
the next one is param[0]
"""


@pytest.mark.parametrize("case", WRONG.strip().splitlines())
def test_what_is_wrong_is_shown_in_the_setting(case, net, solver):
    text, column, message, help = case.split(" | ")
    setting = read_setting(text)
    document = net if setting.is_of_net else solver
    with pytest.raises(ParseError) as caught:
        put_or_complain(setting, document)
    (found,) = caught.value.diagnostics
    assert (found.message, found.span.column, str(found.help)) == (message, int(column), help)
    assert found.span.source.text == text


def put_or_complain(setting, document):
    if not setting.fits(document.message):
        raise setting.no_layer([document.message])
    setting.put(document, 0)


def test_repeated_messages_need_an_index(net):
    changed = put_document("net.layer.ip.param[1].lr_mult=0", net)
    with pytest.raises(ParseError, match=r"there are 2 'param'"):
        put("net.layer.ip.param.lr_mult=3", changed)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("base_lr", 1, "expected PATH=VALUE,VALUE"),
        ("=3", 1, "expected PATH=VALUE,VALUE"),
        ("base_lr=", 9, "a value is missing"),
        ("base_lr=0.1,,0.2", 13, "a value is missing"),
        ("base_lr=0.1, 0.1", 14, "the value 0.1 is given twice"),
        ('type="Adam,SGD', 6, "the quoted string does not end"),
    ],
)
def test_what_is_no_setting(text, column, message):
    with pytest.raises(ParseError) as caught:
        read_setting(text)
    (found,) = caught.value.diagnostics
    assert (found.message, found.span.column) == (message, column)
