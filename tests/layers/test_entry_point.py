"""A layer that another package brings, with a message of its own: found by its entry point alone."""

from __future__ import annotations

import sys

import pytest
import torch

import netspec
from netspec.cli import main
from netspec.errors import NetError, ParseError
from netspec.layers import registry
from netspec.schema import binder, extensions
from netspec.schema.document import Document
from netspec.text.source import Source

MODULE = '''
from netspec.layers.base import Layer
from netspec.layers.registry import layer
from netspec.schema.extensions import layer_message
from netspec.schema.messages import FillerParameter

gain_param = layer_message("gain_param", factor=1.0, power=[int], filler=FillerParameter)


@layer("Gain", bottoms=1, tops=1, origin="own")
class Gain(Layer):
    """Multiplies by a factor and by a learned gain for each channel."""

    def setup(self, x):
        self.message = self.spec.Extensions[gain_param]
        if self.message.factor == 0:
            raise self.error("factor is not 0", "gain_param", "factor")
        self.add_blob((x[1],), self.message.filler)

    def forward(self, x):
        return x * self.message.factor * self.weight[:, None, None]
'''

NET = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4, 4] } } }
layer {
  name: "gain" type: "Gain" bottom: "data" top: "gain"
  gain_param { factor: 2.5 filler { value: 2 } }
}
"""


def _forget() -> None:
    for discovered in (registry._discover, extensions.load_plugins, binder._plans):
        discovered.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def _package(tmp_path_factory):
    """An installed package: a module, and the metadata that names it. Other tests do not find it."""
    folder = tmp_path_factory.mktemp("site-packages")
    (folder / "gain_package.py").write_text(MODULE)
    metadata = folder / "gain_package-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: gain-package\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[netspec.layers]\ngain = gain_package\n")
    registry.layer_types()
    known = dict(extensions._added)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_classes", dict(registry._classes))
        patch.syspath_prepend(folder)
        _forget()
        yield
    extensions._added.clear()
    extensions._added.update(known)
    _forget()


def net(text=NET):
    return Source("net.prototxt", text)


def test_a_net_that_needs_no_package_loads_none():
    netspec.parse_net(net('layer { name: "relu" type: "ReLU" relu_param { negative_slope: 1 } }'))
    assert "gain_package" not in sys.modules


def test_its_message_parses_before_any_layer_is_looked_up():
    message = netspec.parse_net(net())
    (field,) = extensions.added_messages().values()
    assert message.layer[1].Extensions[field].factor == 2.5
    assert message.layer[1].Extensions[field].filler.value == 2


def test_the_net_compiles_and_runs_and_learns():
    compiled = netspec.compile_net(net(), phase="TEST")
    assert compiled.blobs["gain"] == (2, 3, 4, 4)
    x = torch.arange(96.0).reshape(2, 3, 4, 4)
    top = compiled(data=x)["gain"]
    assert torch.equal(top, 5 * x)
    top.sum().backward()
    (weight,) = compiled.params["gain"]
    assert torch.equal(weight.grad, 2.5 * x.sum((0, 2, 3)))


def test_a_message_compiles_like_its_text():
    message = netspec.parse_net(net())
    text = Document.from_message(message).source.text
    assert "  gain_param {\n    factor: 2.5\n    filler {\n      value: 2\n    }\n  }\n" in text
    assert netspec.parse_net(net(text)) == message
    x = torch.ones(2, 3, 4, 4)
    assert torch.equal(netspec.compile_net(message)(data=x)["gain"], 5 * x)


def test_an_unknown_field_is_reported_with_its_place_and_the_nearest_name():
    with pytest.raises(ParseError) as caught:
        netspec.compile_net(net(NET.replace("factor", "facter")))
    assert str(caught.value) == (
        "net.prototxt:5:16: error: unknown field 'facter' in 'gain_param'\n"
        "    5 |   gain_param { facter: 2.5 filler { value: 2 } }\n"
        "      |                ^^^^^^\n"
        "   help: did you mean 'factor'?"
    )


def test_its_own_errors_mark_the_text():
    with pytest.raises(NetError, match=r"net.prototxt:5:24: error: layer 'gain' \(Gain\): factor is not 0"):
        netspec.compile_net(net(NET.replace("2.5", "0")))
    with pytest.raises(NetError, match=r"net.prototxt:5:43: error: .*unknown filler type 'xavierr'"):
        netspec.compile_net(net(NET.replace("value: 2", 'type: "xavierr"')))


def test_weights_come_back(tmp_path):
    first = netspec.compile_net(net())
    first.params["gain"][0].data.copy_(torch.tensor([1.0, 2.0, 3.0]))
    first.save_weights(tmp_path / "gain.caffemodel")
    second = netspec.compile_net(net(), weights=tmp_path / "gain.caffemodel")
    assert second.params["gain"][0].tolist() == [1, 2, 3]


def test_the_catalogue_lists_and_explains_it(capsys):
    assert main(["layers"]) == 0
    assert "Gain " in capsys.readouterr().out
    assert main(["layers", "Gain"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Gain (own): bottoms 1, tops 1",
        "",
        "Multiplies by a factor and by a learned gain for each channel.",
        "",
        "gain_param {",
        "  factor  double = 1",
        "  power   int64, repeated",
        "  filler  FillerParameter",
        "}",
    ]
