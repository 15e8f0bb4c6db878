"""`torch.compile` of a net, and the way back where it does not work."""

from functools import partial

import pytest
import torch

from netspec.compiler import compute
from netspec.compiler.engines.compiled import Compiled, summary

TEXT = """layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "y" top: "z" }
"""


@pytest.fixture
def backend(monkeypatch):
    """Lets nets be compiled by this backend."""
    return lambda name: monkeypatch.setattr(compute, "Compiled", partial(Compiled, backend=name))


def refusing(module, inputs):
    raise RuntimeError("\nno C++ compiler here\nlook elsewhere")


def test_forward_and_backward_agree(compile_text, backend):
    backend("aot_eager")
    x = torch.randn(2, 3)
    nets = [compile_text(TEXT, seed=1, engine=engine) for engine in ("eager", "compiled")]
    for net in nets:
        net(x=x)["z"].square().sum().backward()
    eager, compiled = ([blob.grad for blob in net.params["ip"]] for net in nets)
    torch.testing.assert_close(compiled, eager)
    assert nets[1].engine.engine == "compiled"


def test_a_compiler_that_fails_is_left_alone(compile_text, backend):
    backend(refusing)
    net = compile_text(TEXT, seed=1, engine="compiled")
    assert net.engine.engine == "compiled"
    x = torch.randn(2, 3)
    torch.testing.assert_close(net(x=x), compile_text(TEXT, seed=1, engine="eager")(x=x))
    assert str(net.engine) == "engine eager: compiled fails: no C++ compiler here"
    before = net.engine
    net(x=x)
    assert net.engine is before


def test_a_mistake_of_the_caller_is_not_blamed_on_the_compiler(compile_text, backend):
    backend("aot_eager")
    text = TEXT + 'layer { name: "sum" type: "Eltwise" bottom: "z" bottom: "w" top: "s" }'
    text = 'layer { name: "w" type: "Input" top: "w" input_param { shape { dim: 2 dim: 2 } } }' + text
    net = compile_text(text, engine="compiled")
    with pytest.raises(Exception, match="let the first axes change together"):
        net(x=torch.zeros(3, 3), w=torch.zeros(2, 2))
    assert net.engine.engine == "compiled"


def test_hooks_see_a_compiled_net_s_layers(compile_text, backend):
    backend("aot_eager")
    net = compile_text(TEXT, engine="compiled")
    net(x=torch.zeros(2, 3))
    seen = []
    with net.layer_by_layer():
        net.relu.register_forward_hook(lambda *args: seen.append(args))
        net(x=torch.zeros(2, 3))
    assert len(seen) == 1


def test_what_an_error_says():
    assert summary(RuntimeError("\n  first:\nsecond\nthird")) == "second"
    assert summary(ValueError()) == "ValueError"
