import sys
from copy import deepcopy
from types import ModuleType

import numpy as np
import pytest
import torch

from netspec import NetError, compile_net, load_solver
from netspec.cli import main
from netspec.graph.build import build_graph, net_state
from netspec.layers.python import Blob, plain_errors
from netspec.layers.python_blobs import Layer

CLASSES = '''
import caffe
import numpy as np

class Plain(caffe.Layer):
    """Tanh."""
    def setup(self, bottom, top):
        pass
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top):
        top[0].data[...] = np.tanh(bottom[0].data)
    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff * (1 - top[0].data**2)

class Distance(Plain):
    """Half the mean squared distance of two batches."""
    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise ValueError("a distance is between two")
    def reshape(self, bottom, top):
        self.between = np.zeros_like(bottom[0].data)
        top[0].reshape(1)
    def forward(self, bottom, top):
        np.subtract(bottom[0].data, bottom[1].data, out=self.between)
        top[0].data[0] = (self.between**2).sum() / bottom[0].num / 2
    def backward(self, top, propagate_down, bottom):
        for blob, sign, wanted in zip(bottom, (1, -1), propagate_down):
            if wanted:
                blob.diff[...] = sign * top[0].diff[0] / blob.num * self.between

class Counter(Plain):
    """A data layer: counts on and on."""
    def setup(self, bottom, top):
        self.batch, self.next = int(self.param_str), 0
    def reshape(self, bottom, top):
        top[0].reshape(self.batch, 1)
        top[1].reshape(self.batch)
    def forward(self, bottom, top):
        top[0].data[:, 0] = top[1].data[...] = np.arange(self.next, self.next + self.batch)
        self.next += self.batch
    def backward(self, top, propagate_down, bottom):
        raise AssertionError("nobody needs the gradient of data")

class Affine(Plain):
    """A scale for each column, and a count of the passes."""
    def setup(self, bottom, top):
        self.blobs.add_blob(bottom[0].channels)
        self.blobs.add_blob(1)
        self.blobs[0].data[...] = 3
    def forward(self, bottom, top):
        self.blobs[1].data[0] += 1
        top[0].data[...] = bottom[0].data * self.blobs[0].data
    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[...] += (top[0].diff * bottom[0].data).sum(axis=0)
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff * self.blobs[0].data

class Positive(Plain):
    """As many rows as there are positive numbers; touches only what it must."""
    def forward(self, bottom, top):
        rows = bottom[0].data[bottom[0].data > 0]
        top[0].reshape(len(rows), 1)
        top[0].data[:, 0] = rows

class Clip(Plain):
    """Works in place: whatever is not touched stays."""
    def forward(self, bottom, top):
        self.low = bottom[0].data < 0
        top[0].data[self.low] = 0
    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[self.low] = 0

class Says(Plain):
    """Its parameters, its phase and what of Caffe is there."""
    def reshape(self, bottom, top):
        top[0].reshape(2)
    def forward(self, bottom, top):
        assert self.param_str == self.param_str_ == "{'a': 7}"
        top[0].data[...] = (self.phase == caffe.TRAIN), eval(self.param_str)["a"]

class Watch(Plain):
    """No tops: only looks, and counts."""
    seen = []
    def setup(self, bottom, top):
        self.blobs.add_blob(1)
    def reshape(self, bottom, top):
        pass
    def forward(self, bottom, top):
        self.seen.append(bottom[0].data.sum())
        self.blobs[0].data[0] += 1

class Duck:
    """No caffe.Layer, but it has all that one has."""
    setup, reshape = Plain.setup, Plain.reshape
    forward, backward = Plain.forward, Plain.backward

class Shapeless(Plain):
    def reshape(self, bottom, top):
        pass

class Negative(Plain):
    def reshape(self, bottom, top):
        top[0].reshape(2, -1)

class Rebinds(Plain):
    def forward(self, bottom, top):
        top[0].data = bottom[0].data

class TooWide(Plain):
    def forward(self, bottom, top):
        top[0].data[...] = np.zeros((2, 7))

class Words(Plain):
    def forward(self, bottom, top):
        top[0].data[...] = "words"

class Unborn(Plain):
    def __init__(self, message):
        raise KeyError(message.name)

class OneWay(Plain):
    backward = None

class Idle(Plain):
    def forward(self, bottom, top):
        top[1].data[...] = 0

NUMBER = 5
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with the classes in classes.py."""
    (tmp_path / "classes.py").write_text(CLASSES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def text(cls, *, bottoms=1, tops=1, shape=(2, 3), module="classes", more="", param=""):
    names = [f"x{i}" for i in range(bottoms)]
    dims = " ".join(f"dim: {dim}" for dim in shape)
    inputs = " ".join(f'top: "{name}"' for name in names)
    source = f'layer {{ name: "in" type: "Input" {inputs} input_param {{ shape {{ {dims} }} }} }}\n'
    wires = [f'bottom: "{name}"' for name in names] + [f'top: "y{i}"' for i in range(tops)]
    return (source if bottoms else "") + (
        f'layer {{ name: "own" type: "Python" {" ".join(wires)} {more}\n'
        f'  python_param {{ module: "{module}" layer: "{cls}" {param} }} }}\n'
    )


@pytest.fixture
def trusted(folder, compile_text):
    return lambda *args, phase="TEST", **options: compile_text(
        text(*args, **options), phase=phase, seed=0, allow_python_layers=True
    )


def x(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), requires_grad=True)


# What a layer computes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", ["Plain", "Duck"])
def test_forward_and_backward(trusted, cls):
    net, mine, theirs = trusted(cls), x(2, 3), x(2, 3)
    top, expected = net(x0=mine)["y0"], torch.tanh(theirs)
    torch.testing.assert_close(top, expected)
    weights = x(2, 3, seed=1).detach()
    (top * weights).sum().backward()
    (expected * weights).sum().backward()
    torch.testing.assert_close(mine.grad, theirs.grad)
    assert net.blobs == {"x0": (2, 3), "y0": (2, 3)}


def test_another_batch_size_is_a_reshape(trusted):
    net, data = trusted("Plain"), x(5, 3)
    top = net(x0=data)["y0"]
    top.sum().backward()
    torch.testing.assert_close(top, torch.tanh(data))
    assert data.grad.shape == (5, 3)
    assert net(x0=x(1, 3))["y0"].shape == (1, 3)


def test_a_loss_and_its_weight(trusted):
    net = trusted("Distance", bottoms=2, more="loss_weight: 2.5")
    a, b = x(4, 3), x(4, 3, seed=1)
    loss = net.loss(net(x0=a, x1=b))
    loss.backward()
    torch.testing.assert_close(loss, 2.5 * ((a - b) ** 2).sum() / 8)
    torch.testing.assert_close(a.grad, 2.5 * (a - b).detach() / 4)
    torch.testing.assert_close(b.grad, -a.grad)


def test_propagate_down_tells_which_gradients_are_wanted(trusted):
    net = trusted("Distance", bottoms=2, more="loss_weight: 1")
    a, b = x(4, 3), x(4, 3, seed=1).detach()
    net.loss(net(x0=a, x1=b)).backward()
    torch.testing.assert_close(a.grad, (a - b).detach() / 4)
    a.grad = None
    net = trusted("Distance", bottoms=2, more="loss_weight: 1 propagate_down: false propagate_down: true")
    net.loss(net(x0=a, x1=b.requires_grad_())).backward()
    assert a.grad is None
    assert b.grad is not None


def test_data_without_bottoms(trusted):
    net = trusted("Counter", bottoms=0, tops=2, param='param_str: "3"')
    assert (net.inputs, net.data, net.blobs) == ([], {}, {"y0": (3, 1), "y1": (3,)})
    first, second = net(), net()
    assert first["y0"].tolist() == [[0], [1], [2]]
    assert second["y1"].tolist() == [3, 4, 5]


def test_learnable_blobs(trusted):
    net, data = trusted("Affine", more="param { lr_mult: 2 } param { lr_mult: 0 }"), x(2, 3)
    scale, count = net.params["own"]
    assert (scale.tolist(), count.tolist()) == ([3, 3, 3], [0])
    assert [(param.name, param.lr_mult) for param in net.learnable_params] == [
        ("own.weight", 2.0),
        ("own.bias", 0.0),
    ]
    with torch.no_grad():
        scale.copy_(torch.tensor([1.0, 2.0, 3.0]))
    top = net(x0=data)["y0"]
    top.sum().backward()
    torch.testing.assert_close(top, data * scale)
    torch.testing.assert_close(scale.grad, data.detach().sum(0))
    torch.testing.assert_close(data.grad, scale.detach().expand(2, 3))
    assert count.tolist() == [1]
    assert count.grad is None
    net(x0=data)["y0"].sum().backward()  # gradients add up as those of all layers
    torch.testing.assert_close(scale.grad, 2 * data.detach().sum(0))


def test_learnable_blobs_in_another_type_come_back(trusted):
    net, data = trusted("Affine").double(), x(2, 3).detach().double()
    top = net(x0=data)["y0"]
    assert top.dtype == torch.float64
    torch.testing.assert_close(top, 3 * data, rtol=1e-6, atol=1e-6)
    assert net.params["own"][1].tolist() == [1]


def test_learnable_blobs_are_saved_and_shared(trusted, folder):
    train, test = trusted("Affine"), trusted("Affine")
    with torch.no_grad():
        train.params["own"][0].fill_(5)
    train.save_weights(folder / "own.caffemodel")
    test.load_weights(folder / "own.caffemodel")
    assert test(x0=torch.ones(1, 3))["y0"].tolist() == [[5, 5, 5]]
    test.share_weights_with(train)
    test(x0=torch.ones(1, 3))
    assert train.params["own"][1].tolist() == [1]


def test_tops_take_their_shape_from_the_data(trusted):
    net = trusted("Positive")
    top = net(x0=torch.tensor([[1.0, -1, 2], [-3, -4, 5]]))["y0"]
    assert top.tolist() == [[1], [2], [5]]
    assert net(x0=torch.ones(2, 3))["y0"].shape == (6, 1)


def test_in_place_bottom_and_top_are_one_blob(folder, compile_text):
    source = text("Clip").replace('top: "y0"', 'top: "x0"')
    net, data = compile_text(source, allow_python_layers=True), torch.tensor([[-1.0, 0, 2]] * 2)
    data.requires_grad_()
    top = net(x0=data)["x0"]
    (top * 3).sum().backward()
    assert (top.tolist(), data.grad.tolist()) == ([[0, 0, 2]] * 2, [[0, 3, 3]] * 2)
    assert data.tolist() == [[-1, 0, 2]] * 2


@pytest.mark.parametrize(("phase", "is_train"), [("TRAIN", 1), ("TEST", 0)])
def test_param_str_and_phase(trusted, phase, is_train):
    net = trusted("Says", bottoms=0, param="param_str: \"{'a': 7}\"", phase=phase)
    assert net()["y0"].tolist() == [is_train, 7]


def test_a_copy_of_a_net_has_objects_of_its_own(trusted):
    net, data = trusted("Plain"), x(2, 3)
    copy, before = deepcopy(net), net(x0=data)["y0"].sum()
    copy(x0=data)
    before.backward()
    torch.testing.assert_close(data.grad, 1 - torch.tanh(data.detach()) ** 2)


def test_no_tops(trusted, folder):
    net = trusted("Watch", tops=0)
    assert net(x0=torch.ones(2, 3)) == {}
    assert sys.modules["classes"].Watch.seen == [6]
    assert net.params["own"][0].item() == 1


@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # the compiler's own, at a graph break
def test_compiled_it_is_one_call(trusted):
    net = trusted("Plain")
    assert [node.op for node in net.graph_module.graph.nodes] == ["placeholder", "call_module", "output"]
    data = x(2, 3)
    compiled = torch.compile(net, backend="eager")
    compiled(x0=data)["y0"].sum().backward()
    torch.testing.assert_close(data.grad, 1 - torch.tanh(data.detach()) ** 2)


def test_backward_belongs_to_the_last_forward(trusted):
    net, data = trusted("Plain"), x(2, 3)
    first, second = net(x0=data)["y0"].sum(), net(x0=data)["y0"].sum()
    second.backward(retain_graph=True)
    second.backward()
    with pytest.raises(NetError, match="there was another forward pass between them"):
        first.backward()


def test_a_solver_trains_them(folder):
    net = text("Counter", bottoms=0, tops=2, param='param_str: "4"')
    net += (
        text("Affine")
        .split("\n", 1)[1]
        .replace("own", "fit")
        .replace("x0", "y0")
        .replace('p: "y0"', 'p: "z"')
    )
    net += (
        text("Distance")
        .split("\n", 1)[1]
        .replace("own", "loss")
        .replace('bottom: "x0"', 'bottom: "z" bottom: "w" loss_weight: 1')
        .replace('p: "y0"', 'p: "loss"')
    )
    net = net.replace('layer { name: "loss"', 'layer { name: "w" type: "Power" bottom: "y0" top: "w" '
                      'power_param { scale: 2 } }\nlayer { name: "loss"')  # fmt: skip
    (folder / "net.prototxt").write_text(net)
    solver_text = 'net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 3 solver_mode: CPU'
    (folder / "solver.prototxt").write_text(solver_text)
    with pytest.raises(NetError, match="needs permission"):
        load_solver("solver.prototxt")
    solver = load_solver("solver.prototxt", allow_python_layers=True)
    before = solver.step(1)
    # scale 3 on 0..3, target 2: loss (0 + 1 + 4 + 9) / 8, gradient 14 / 4
    assert before == pytest.approx(14 / 8)
    assert solver.net.params["fit"][0].item() == pytest.approx(3 - 0.01 * 14 / 4)


# Permission -----------------------------------------------------------------------------------------------


def mark(error):
    span = error.diagnostics[0].span
    return span.source.text[span.start : span.end]


def test_without_permission_no_code_runs(folder, compile_text, read):
    (folder / "trap.py").write_text("raise AssertionError('ran')")
    source = text("Trap", module="trap")
    with pytest.raises(NetError, match=r"layer 'own' \(Python\): runs code of module 'trap'") as caught:
        compile_text(source)
    assert mark(caught.value) == '"Python"'
    help = caught.value.diagnostics[0].help
    assert "allow_python_layers=True" in help
    assert "--allow-python-layers" in help
    with pytest.raises(NetError, match="needs permission"):
        build_graph(read(source), net_state(read(source), "TEST"))
    with pytest.raises(NetError, match="ran"):
        compile_text(source, allow_python_layers=True)


def test_permission_is_for_one_net(trusted, compile_text):
    trusted("Plain")
    with pytest.raises(NetError, match="needs permission"):
        compile_text(text("Plain"))


VERBS = {
    "check": ["net.prototxt"],
    "summary": ["net.prototxt"],
    "time": ["-model", "net.prototxt", "-iterations", "1"],
    "test": ["-model", "net.prototxt", "-weights", "own.caffemodel", "-iterations", "1"],
    "train": ["-solver", "solver.prototxt"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_the_command_line_asks_for_permission(folder, capsys, trusted, verb):
    source = text("Counter", bottoms=0, tops=2, param='param_str: "2"') + (
        'layer { name: "ip" type: "InnerProduct" bottom: "y0" top: "ip"\n'
        "  inner_product_param { num_output: 1 } }\n"
        'layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "y1" top: "loss" }\n'
    )
    (folder / "net.prototxt").write_text(source)
    solver_text = 'net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 1 solver_mode: CPU'
    (folder / "solver.prototxt").write_text(solver_text)
    compile_net("net.prototxt", allow_python_layers=True).save_weights("own.caffemodel")
    assert main([verb, *VERBS[verb]]) == 1
    assert "--allow-python-layers" in capsys.readouterr().err
    assert main([verb, *VERBS[verb], "--allow-python-layers"]) == 0
    assert main([verb, "-allow_python_layers", *VERBS[verb]]) == 0


# Modules --------------------------------------------------------------------------------------------------


def module(number):
    return f"""
import caffe
from neighbour import OFFSET
class Number(caffe.Layer):
    def setup(self, bottom, top):
        top[0].reshape(1)
    def reshape(self, bottom, top):
        pass
    def forward(self, bottom, top):
        top[0].data[...] = {number} + OFFSET
"""


def place(folder, number, name="counted"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(module(number))
    (folder / "neighbour.py").write_text("OFFSET = 0.5")
    return folder


def number(file):
    return compile_net(file, allow_python_layers=True)()["y0"].item()


def test_the_order_of_lookup(tmp_path, monkeypatch):
    nets, cwd, path = (place(tmp_path / name, i) for i, name in enumerate(("nets", "cwd", "path")))
    monkeypatch.chdir(cwd)
    monkeypatch.syspath_prepend(str(path))
    file = nets / "net.prototxt"
    file.write_text(text("Number", bottoms=0, module="counted"))
    before = list(sys.path)
    for expected in (0.5, 1.5, 2.5):
        assert number(file) == expected
        found = next(folder for folder in (nets, cwd, path) if (folder / "counted.py").exists())
        (found / "counted.py").unlink()
        sys.modules.pop("counted")
    assert sys.path == before


def test_nets_of_two_folders_may_have_modules_of_one_name(tmp_path):
    files = []
    for i in range(2):
        files.append(place(tmp_path / str(i), i) / "net.prototxt")
        files[i].write_text(text("Number", bottoms=0, module="counted"))
    (tmp_path / "1" / "neighbour.py").write_text("OFFSET = 0.25")
    assert [number(file) for file in (*files, *files)] == [0.5, 1.25, 0.5, 1.25]


def test_layers_of_a_net_share_their_module(folder, compile_text):
    source = text("Watch", tops=0)
    net = compile_text(source + source.split("\n", 1)[1].replace("own", "too"), allow_python_layers=True)
    net(x0=torch.ones(2, 3))
    assert sys.modules["classes"].Watch.seen == [6, 6]


def test_a_module_in_a_package(folder, compile_text):
    place(folder / "pack" / "inner", 4)
    (folder / "neighbour.py").write_text("OFFSET = 0.5")
    (folder / "pack" / "__init__.py").touch()
    (folder / "pack" / "inner" / "__init__.py").touch()
    net = compile_text(text("Number", bottoms=0, module="pack.inner.counted"), allow_python_layers=True)
    assert net()["y0"].item() == 4.5


def test_a_module_that_is_hidden_says_so(folder, compile_text):
    (folder / "json.py").write_text(CLASSES)
    message = (
        r"cannot be imported: ImportError: '.*json.py' is hidden by a module of its name: '.*json.__init__"
    )
    with pytest.raises(NetError, match=message):
        compile_text(text("Plain", module="json"), allow_python_layers=True)


def test_caffe_is_there_for_the_import_only(trusted):
    trusted("Plain")
    assert "caffe" not in sys.modules
    caffe = sys.modules["classes"].caffe
    assert (caffe.Layer, caffe.TRAIN, caffe.TEST) == (Layer, 0, 1)


def test_a_real_caffe_comes_first(trusted, monkeypatch):
    class Theirs:
        def __init__(self):
            raise AssertionError("only Caffe can construct it")

    real = ModuleType("caffe")
    real.Layer, real.TRAIN, real.TEST = Theirs, 0, 1
    monkeypatch.setitem(sys.modules, "caffe", real)
    net, data = trusted("Plain"), x(2, 3)
    assert sys.modules["caffe"] is real
    assert issubclass(sys.modules["classes"].Plain, Theirs)
    torch.testing.assert_close(net(x0=data)["y0"], torch.tanh(data))


def test_a_real_caffe_may_lie_on_the_path(folder, trusted):
    (folder / "caffe.py").write_text("class Layer: pass\nTRAIN, TEST = 0, 1\n")
    try:
        trusted("Plain")
        assert sys.modules["caffe"].__file__ == str(folder / "caffe.py")
    finally:
        del sys.modules["caffe"]


def test_a_folder_named_caffe_is_no_caffe(folder, trusted):
    (folder / "caffe").mkdir()
    trusted("Plain")
    assert sys.modules["classes"].caffe.Layer is Layer


# Mistakes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "options", "message", "marked"),
    [
        ("Plain", {"module": "nowhere"}, "there is no module 'nowhere'", '"nowhere"'),
        ("Plain", {"module": "classes.deeper"}, "there is no module 'classes.deeper'", '"classes.deeper"'),
        ("Plane", {}, "module 'classes' has no class 'Plane'", '"Plane"'),
        ("NUMBER", {}, "'NUMBER' of module 'classes' is no layer: it has no forward", '"NUMBER"'),
        ("Distance", {}, "Distance.setup failed: ValueError: a distance is between two", '"Distance"'),
        ("Unborn", {}, r"Unborn\(\) failed: KeyError: 'own'", '"Unborn"'),
        (
            "Negative",
            {},
            r"reshape failed: ValueError: the dimensions of a blob are not negative",
            '"Negative"',
        ),
        ("Shapeless", {}, "reshape gives top 'y0' no shape", '"y0"'),
        ("Plain", {"tops": 2}, "reshape gives top 'y1' no shape", '"y1"'),
        ("Plain", {"bottoms": 0}, "Plain.reshape failed: IndexError", '"Plain"'),
        ("", {}, "python_param names no layer", "python_param"),
        ("Plain", {"module": ""}, "python_param names no module", "python_param"),
        ("Plain", {"more": "param {} "}, "has 0 blobs, but 1 param blocks", "param"),
    ],
)
def test_mistakes_when_the_net_is_built(trusted, cls, options, message, marked):
    with pytest.raises(NetError, match=rf"layer 'own' \(Python\).*{message}") as caught:
        trusted(cls, **options)
    assert mark(caught.value) == marked


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        ("Rebinds", r"Rebinds.forward failed: AttributeError: .*data"),
        ("TooWide", r"TooWide.forward failed: ValueError: could not broadcast input array"),
        ("Words", r"Words.forward failed: ValueError: could not convert string to float"),
        ("Idle", r"Idle.forward failed: IndexError: list index out of range"),
    ],
)
def test_mistakes_in_forward(trusted, cls, message):
    net = trusted(cls)
    with pytest.raises(NetError, match=message) as caught:
        net(x0=torch.ones(2, 3))
    assert mark(caught.value) == f'"{cls}"'
    assert caught.value.__cause__.__traceback__ is not None
    (note,) = caught.value.diagnostics[0].notes
    assert "classes.py:" in note.message
    assert note.message.rpartition(": ")[2].startswith("top[")


def test_mistakes_in_backward(trusted):
    net, data = trusted("OneWay"), x(2, 3)
    top = net(x0=data)["y0"].sum()
    with pytest.raises(
        NetError, match=r"OneWay.backward failed: TypeError: 'NoneType' object is not callable"
    ):
        top.backward()


def test_the_whole_report(folder, compile_text, report):
    (folder / "typo.py").write_text("import caffe\n\nclass Typo(caffe.Layr):\n    pass\n")
    assert report(compile_text, text("Typo", module="typo"), allow_python_layers=True) == (
        "NetError\n"
        "net.prototxt:3:26: error: layer 'own' (Python): module 'typo' cannot be imported: "
        "AttributeError: module 'caffe' has no attribute 'Layr'\n"
        '    3 |   python_param { module: "typo" layer: "Typo"  } }\n'
        "      |                          ^^^^^^\n"
        f"note: at {folder / 'typo.py'}:3: class Typo(caffe.Layr):\n"
    )


def test_what_a_module_misses_is_not_the_module(folder, compile_text):
    (folder / "needy.py").write_text("import nowhere_to_be_found\n")
    with pytest.raises(
        NetError, match="'needy' cannot be imported: ModuleNotFoundError: No module named 'now"
    ):
        compile_text(text("Needy", module="needy"), allow_python_layers=True)


def test_a_module_that_is_no_python(folder, compile_text):
    (folder / "broken.py").write_text("def f(:\n")
    with pytest.raises(NetError, match=r"'broken' cannot be imported: SyntaxError: .*broken.py, line 1"):
        compile_text(text("Broken", module="broken"), allow_python_layers=True)


def test_a_class_almost_named(trusted):
    with pytest.raises(NetError) as caught:
        trusted("Plian")
    assert caught.value.diagnostics[0].help == "did you mean 'Plain'?"


# Blobs ----------------------------------------------------------------------------------------------------


def test_blob():
    blob = Blob()
    assert (blob.count, blob.is_shaped) == (0, False)
    blob.reshape(2, 3)
    blob.data[...] = np.arange(6).reshape(2, 3)
    blob.diff[...] = 1
    assert (blob.num, blob.channels, blob.height, blob.width, blob.count) == (2, 3, 1, 1, 6)
    assert (blob.data.dtype, blob.diff.dtype) == (np.float32, np.float32)
    blob.reshape(2, 3)
    assert blob.diff.sum() == 6
    blob.reshape(np.int64(2), 2)  # what it holds stays, in its order
    assert blob.data.tolist() == [[0, 1], [2, 3]]
    assert blob.diff.tolist() == [[0, 0], [0, 0]]
    blob.reshape(3, 3)
    assert blob.data.sum() == 0
    blob.reshape()
    assert (blob.shape, blob.count) == ((), 1)
    blob.reshape(1, 1, 1, 1, 2)
    with pytest.raises(ValueError, match="for 4 axes, not for 5"):
        _ = blob.num


def test_plain_errors_are_the_user_s_own(trusted):
    with plain_errors(), pytest.raises(ValueError, match="a distance is between two"):
        trusted("Distance")
    with pytest.raises(NetError, match="a distance is between two"):
        trusted("Distance")
