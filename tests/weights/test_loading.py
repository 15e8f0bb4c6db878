from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from netspec.cli import main
from netspec.compiler.net import compile_net
from netspec.data.idx import read_mnist
from netspec.errors import WeightsError
from netspec.layers.base import as_tuple
from netspec.weights import LayerBlobs, Unmatched, load_into, read_weights, save_from, write_weights

NAMES = """input: "x" input_shape { dim: 1 dim: 3 }
layer { name: "b/0" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "a.b" type: "InnerProduct" bottom: "y" top: "z"
  inner_product_param { num_output: 2 bias_term: false weight_filler { type: "xavier" } } }
layer { name: "a" type: "PReLU" bottom: "z" top: "z" prelu_param { filler { type: "gaussian" } } }"""

SUFFIXES = (".caffemodel", ".caffemodel.h5", ".safetensors", ".npz")
SHARED = Path(__file__).parents[3] / "shared"


def shared(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} lies beside the project, not in it")
    return path


def values(net):
    return {name: [blob.detach().clone() for blob in blobs] for name, blobs in net.params.items()}


def same(left, right):
    return left.keys() == right.keys() and all(
        torch.equal(a, b) for name in left for a, b in zip(left[name], right[name], strict=True)
    )


# Loading ------------------------------------------------------------------------------------------------


def test_a_round_trip_is_exact(net, compile_text, tmp_path):
    before = values(net)
    save_from(net, tmp_path / "x.caffemodel")
    with torch.no_grad():
        for blob in net.parameters():
            blob.fill_(9)
    report = load_into(net, tmp_path / "x.caffemodel")
    assert same(values(net), before)
    assert report.loaded == ("conv", "ip")


def test_the_report_names_what_was_left(net, write_file, ones):
    kept = values(net)["ip"]
    report = load_into(net, write_file({"conv": ones["conv"], "fc8": ones["ip"]}))
    assert (report.loaded, report.missing, report.unused) == (("conv",), ("ip",), ("fc8",))
    assert torch.equal(net.params["conv"][0], ones["conv"][0])
    assert torch.equal(net.params["ip"][0], kept[0])


def test_old_shapes_with_leading_ones_fit(net, write_file, ones):
    ones["ip"] = [torch.ones(1, 1, 3, 32), torch.ones(1, 1, 1, 3)]
    load_into(net, write_file(ones))
    assert net.params["ip"][1].shape == (3,)
    assert net.params["ip"][1].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("blobs", "message"),
    [
        (
            [(3, 31), (3,)],
            r"blob 0 of layer 'ip' has the shape \[3, 31\] in the file, but \[3, 32\] in the net",
        ),
        ([(3, 32), (1, 3)], r"blob 1 of layer 'ip' has the shape \[1, 3\] in the file, but \[3\] in the net"),
        ([(32, 3, 1, 1), (3,)], r"has the shape \[32, 3, 1, 1\] in the file"),
        ([(3, 32)], "layer 'ip' has 1 blobs in the file, but 2 in the net"),
    ],
)
def test_a_clash_names_the_layer_and_changes_nothing(net, write_file, ones, blobs, message):
    before = values(net)
    ones["ip"] = [torch.ones(shape) for shape in blobs]
    with pytest.raises(WeightsError, match=message) as caught:
        load_into(net, write_file(ones))
    assert caught.value.diagnostics[0].span.line == 6
    assert same(values(net), before)


def test_all_clashes_are_named_at_once_and_tabulated(net, write_file, ones):
    layers = {"conv": [torch.ones(2, 3, 3, 3), torch.ones(2)], "ip": [torch.ones(5, 32), torch.ones(5)]}
    with pytest.raises(WeightsError) as caught:
        load_into(net, write_file({**layers, "fc8": ones["ip"]}))
    assert [diagnostic.span.line for diagnostic in caught.value.diagnostics] == [3, 6, 6]
    assert """what could not be matched:
    layer  blob  file's shape  net's shape
    -----  ----  ------------  ------------
    conv   0     [2, 3, 3, 3]  [2, 1, 3, 3]
    ip     0     [5, 32]       [3, 32]
    ip     1     [5]           [3]
    fc8    0     [3, 32]       -
    fc8    1     [3]           -
   help: is it the right file? --ignore-mismatched""" in str(caught.value)


def test_layers_with_other_shapes_may_keep_their_fillers_numbers(net, write_file, ones):
    kept = values(net)["ip"]
    file = write_file({"conv": ones["conv"], "ip": [torch.ones(5, 32), torch.ones(3)]})
    report = load_into(net, file, ignore_mismatched=True)
    assert (report.loaded, report.mismatched, report.missing) == (("conv",), ("ip",), ())
    assert report.unmatched == (Unmatched("ip", 0, (5, 32), (3, 32)),)
    assert report.summary() == "left as they were, for their other shapes in the file: ip"
    assert torch.equal(net.params["conv"][0], ones["conv"][0])
    assert same({"ip": list(net.params["ip"])}, {"ip": kept})


def test_nothing_but_other_shapes_may_be_ignored_too(net, write_file):
    before = values(net)
    file = write_file({"conv": [torch.ones(7)], "ip": []})
    assert load_into(net, file, ignore_mismatched=True).mismatched == ("conv", "ip")
    assert same(values(net), before)


def test_without_mismatch_there_is_no_table(net, write_file, ones):
    report = load_into(net, write_file(ones))
    assert (report.unmatched, report.summary(), report.table()) == ((), "", "")


def test_layers_of_one_name_go_in_turn(compile_text, tmp_path):
    """Also where one of them has no blobs, in whichever format."""
    ip = 'type: "InnerProduct" inner_product_param { num_output: 2 weight_filler { type: "xavier" } }'
    first = f'input: "x" input_shape {{ dim: 1 dim: 2 }} layer {{ name: "a" bottom: "x" top: "a" {ip} }}'
    bare = ' layer { name: "a" type: "ReLU" bottom: "a" top: "a" }'
    second = f' layer {{ name: "a" bottom: "a" top: "b" {ip} }}'
    for text, suffixes in ((first + bare, SUFFIXES), (first + bare + second, SUFFIXES[:1])):
        one, other = compile_text(text, seed=1), compile_text(text, seed=2)
        for suffix in suffixes:
            save_from(one, tmp_path / f"x{suffix}")
            assert load_into(other, tmp_path / f"x{suffix}").unmatched == ()
            assert same(values(other), values(one))
    save_from(compile_text(first, seed=1), tmp_path / "x.caffemodel")
    assert load_into(other, tmp_path / "x.caffemodel").missing == ("a",)


def test_what_another_layer_owns_need_not_be_in_the_file(compile_text, tmp_path):
    """Caffe's HDF5 files hold a shared blob with its owner only."""
    ip = """type: "InnerProduct" bottom: "x" param { name: "w" } param { name: "%s" } inner_product_param {
      num_output: 4 weight_filler { type: "xavier" } }"""
    net = compile_text(
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 4 } } }'
        f'layer {{ name: "a" top: "a" {ip % "b"} }}'
        f'layer {{ name: "b" top: "b" {ip % "c"} }}'
        f'layer {{ name: "c" top: "c" {ip % "c"} }}'
    )
    ones = LayerBlobs("a", blobs={0: np.ones((4, 4), np.float32), 1: np.ones(4, np.float32)})
    write_weights(tmp_path / "x.h5", [ones, LayerBlobs("b", blobs={1: np.full(4, 2, np.float32)})])
    report = load_into(net, tmp_path / "x.h5")
    assert (report.loaded, report.unmatched) == (("a", "b"), ())
    assert [blob.mean().item() for blobs in net.params.values() for blob in blobs] == [1, 1, 1, 2, 1, 2]
    write_weights(tmp_path / "y.h5", [LayerBlobs("a", blobs={1: ones.blobs[1]})])
    with pytest.raises(WeightsError, match="layer 'a' has 1 blobs in the file, but 2 in the net"):
        load_into(net, tmp_path / "y.h5")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_is_exact(compile_text, tmp_path, suffix):
    text = NAMES
    net, other = compile_text(text, seed=1), compile_text(text, seed=2)
    net.double()
    net.save_weights(tmp_path / f"x{suffix}")
    assert other.double().load_weights(tmp_path / f"x{suffix}").loaded == ("b/0", "a.b", "a")
    assert same(values(net), values(other))


def test_the_keys_are_those_of_the_state_dict(compile_text, tmp_path):
    net = compile_text(NAMES, seed=1)
    net.save_weights(tmp_path / "x.safetensors")
    tensors = load_file(tmp_path / "x.safetensors")
    assert tensors.keys() == net.state_dict().keys()
    assert all(torch.equal(tensors[key], value) for key, value in net.state_dict().items())


def test_a_state_dict_from_elsewhere(compile_text, tmp_path):
    net, other = compile_text(NAMES, seed=1), compile_text(NAMES, seed=2)
    save_file(net.state_dict(), tmp_path / "x.safetensors")
    assert other.load_weights(tmp_path / "x.safetensors").unmatched == ()
    assert same(values(net), values(other))


def test_a_state_dict_that_calls_its_blobs_otherwise(compile_text, tmp_path):
    net = compile_text(NAMES, seed=1)
    state = {key.replace("slope", "weight"): value for key, value in net.state_dict().items()}
    save_file(state, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="blob 0 of layer 'a' is not in the file") as caught:
        net.load_weights(tmp_path / "x.safetensors")
    assert "blob weight of layer 'a' is not in the net" in str(caught.value)


def test_a_file_of_another_net(net, write_file, ones):
    with pytest.raises(WeightsError, match="has no layer in common with the net 'small'") as caught:
        load_into(net, write_file({"fc8": ones["ip"]}))
    assert "its layers are 'fc8'; the net's are 'conv', 'ip'" in str(caught.value)
    report = load_into(net, write_file({"fc8": ones["ip"]}), allow_strangers=True)
    assert (report.loaded, report.missing, report.unused) == ((), ("conv", "ip"), ("fc8",))


# Files that others wrote --------------------------------------------------------------------------------


def test_the_spatial_transformer_fork(monkeypatch):
    """The fork wrote its field 148 into the file, which means another message elsewhere."""
    monkeypatch.chdir(shared("fork_snapshot"))
    expected = np.load("expected.npz")
    net = compile_net(shared("blog") / "stn.prototxt", seed=0)
    assert load_into(net, "stn_iter_200.caffemodel").missing == ()
    tops = {}
    for node in net.graph.nodes:
        if node.bottoms:
            outputs = node.layer(*(tops[blob.name] for blob in node.bottoms))
        else:
            outputs = [torch.from_numpy(expected[top.name]) for top in node.tops]
        tops.update(zip((top.name for top in node.tops), as_tuple(outputs), strict=True))
    for name in ("theta", "st_output", "ip2"):
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(tops[name].detach(), expected[name], rtol=0, atol=2e-5 * scale)


def test_a_net_of_2014(compile_text):
    file = shared("caffemodels") / "v1_era_everpeace2014_lenet" / "lenet_iter_10000.caffemodel"
    layers = {layer.name: layer for layer in read_weights(file)}
    shapes = {
        name: [blob.shape for blob in layer.blobs.values()] for name, layer in layers.items() if layer.blobs
    }
    assert shapes["conv2"] == [(50, 20, 5, 5), (1, 1, 1, 50)]
    assert shapes["ip2"] == [(1, 1, 10, 500), (1, 1, 1, 10)]
    assert layers["conv2"].type == "CONVOLUTION"
    net = compile_text(
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 1 dim: 500 } } }'
        'layer { name: "ip2" type: "InnerProduct" bottom: "x" top: "y"'
        "  inner_product_param { num_output: 10 } }"
    )
    assert load_into(net, file).loaded == ("ip2",)
    np.testing.assert_array_equal(net.params["ip2"][0].detach(), layers["ip2"].blobs[0][0, 0])


@pytest.fixture(scope="module")
def digits():
    """The test images (N, 1, 28, 28) in [0, 1) and their labels."""
    images, labels = read_mnist(shared("mnist"), train=False)
    return torch.from_numpy(images[:, None] * np.float32(0.00390625)), torch.from_numpy(
        labels.astype(np.int64)
    )


LENET = "caffemodels/v1_era_everpeace2014_lenet"
QUICK = "caffemodels/cifar10_quick_ict"
BOTH = ("cifar10_quick_iter_4000.caffemodel", "cifar10_quick_iter_5000.caffemodel.h5")


@torch.no_grad()
def test_the_net_of_2014_classifies_as_it_did_then(digits):
    """Its own V1 text and V1 weights; its log says 0.9905."""
    folder = shared(LENET)
    net = compile_net(folder / "lenet.prototxt", weights=folder / "lenet_iter_10000.caffemodel")
    images, labels = digits
    found = torch.cat([net(data=batch)["prob"].flatten(1).argmax(1) for batch in images.split(1000)])
    assert (found == labels).sum() == 9905


@torch.no_grad()
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_net_of_2014_in_all_formats(digits, tmp_path, suffix):
    folder = shared(LENET)
    images = digits[0][:100]
    assert main(["convert", str(folder / "lenet_iter_10000.caffemodel"), str(tmp_path / f"x{suffix}")]) == 0
    nets = [
        compile_net(folder / "lenet.prototxt", weights=file)
        for file in (folder / "lenet_iter_10000.caffemodel", tmp_path / f"x{suffix}")
    ]
    one, other = (net(data=images)["prob"] for net in nets)
    assert torch.equal(one, other)


@torch.no_grad()
@pytest.mark.parametrize("file", BOTH)
def test_the_quick_net_from_both_its_files(tmp_path, file):
    """The same numbers from the file, from what `convert` makes of it in all formats, and from those again in
    the file's own."""
    folder = shared(QUICK)
    text = folder / "cifar10_quick.prototxt"
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 255 - 120
    net = compile_net(text, weights=folder / file)
    assert net.load_weights(folder / file).unmatched == ()
    expected = net(data=x)["prob"]
    torch.testing.assert_close(expected.sum(1), torch.ones(2))
    for suffix in SUFFIXES:
        there, back = tmp_path / f"there{suffix}", tmp_path / f"back{file}"
        for source, target in ((folder / file, there), (there, back)):
            assert main(["convert", str(source), str(target)]) == 0
            again = compile_net(text, weights=target)
            assert same(values(again), values(net))
            assert torch.equal(again(data=x)["prob"], expected)


def test_both_files_of_the_quick_net_are_of_one_run():
    """A thousand iterations at a small rate lie between the two, so their numbers nearly agree."""
    folder = shared(QUICK)
    binary, hdf5 = (
        {layer.name: layer.blobs for layer in read_weights(folder / file) if layer.blobs} for file in BOTH
    )
    assert binary.keys() == hdf5.keys()
    for name, blobs in binary.items():
        for key, blob in blobs.items():
            left, right = blob.ravel(), hdf5[name][key].ravel()
            assert left @ right > 0.95 * np.linalg.norm(left) * np.linalg.norm(right)
