"""`netspec layers`."""

from __future__ import annotations

import pytest

from netspec.cli import main
from netspec.layers.registry import layer_types
from netspec.schema.messages import LayerParameter


def test_lists_the_whole_catalogue(capsys):
    assert main(["layers"]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split()[0] for line in lines] == list(layer_types())
    assert all(cls.traits.summary in line for cls, line in zip(layer_types().values(), lines, strict=True))


def test_explains_a_type_and_its_parameters(capsys):
    assert main(["layers", "Convolution"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Convolution (BVLC): bottoms 1+, tops as bottoms\n\nConvolves")
    assert "convolution_param {\n" in out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for line in (
        "num_output uint32",
        "bias_term bool = true",
        "kernel_size uint32, repeated",
        "engine DEFAULT | CAFFE | CUDNN = DEFAULT",
        "weight_filler FillerParameter",
    ):
        assert line in lines


@pytest.mark.parametrize("type", list(layer_types()))
def test_every_type_is_explained(type, capsys):
    assert main(["layers", type]) == 0
    out = capsys.readouterr().out
    assert layer_types()[type].traits.summary in out


def test_a_layers_own_parameters_are_found():
    from netspec.cli.layers import _parameters

    own = {"Convolution": "convolution_param", "Pooling": "pooling_param", "ReLU": "relu_param"}
    for type, name in own.items():
        assert [field.name for field in _parameters(layer_types()[type])] == [name]
    assert not list(_parameters(layer_types()["Silence"]))
    assert all(name in LayerParameter.DESCRIPTOR.fields_by_name for name in own.values())


def test_unknown_type_names_the_nearest(capsys):
    assert main(["layers", "Convlution"]) == 2
    assert "did you mean 'Convolution'?" in capsys.readouterr().err
