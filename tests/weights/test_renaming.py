import pytest

from netspec.errors import WeightsError
from netspec.weights.layers import LayerBlobs
from netspec.weights.renaming import Rule, rename

NAMES = ["conv1", "conv2", "conv1+x", "ip", "ip"]


def renamed(*rules, names=NAMES):
    return [layer.name for layer in rename([LayerBlobs(name) for name in names], [Rule(*r) for r in rules])]


def test_without_rules_nothing_changes():
    assert renamed() == NAMES


def test_a_name_means_one_layer_even_where_it_is_a_pattern_too():
    assert renamed(("conv1", "a")) == ["a", "conv2", "conv1+x", "ip", "ip"]
    assert renamed(("conv1+x", "b")) == ["conv1", "conv2", "b", "ip", "ip"]


def test_a_pattern_means_whole_names_and_keeps_its_groups():
    assert renamed((r"conv(\d)", r"c\1")) == ["c1", "c2", "conv1+x", "ip", "ip"]
    assert renamed((r"(?P<kind>.)p", r"\g<kind>nner")) == ["conv1", "conv2", "conv1+x", "inner", "inner"]


def test_the_first_rule_counts_and_sees_the_old_name():
    assert renamed(("conv1", "conv2"), ("conv2", "conv1"), (r"conv.", "no"))[:2] == ["conv2", "conv1"]


def test_two_layers_with_one_name():
    with pytest.raises(WeightsError, match="the layers 'conv1' and 'conv2' would both be named 'c'"):
        renamed((r"conv\d", "c"))
    with pytest.raises(WeightsError, match="would both be named 'ip'"):
        renamed(("conv1", "ip"))


def test_a_rule_that_means_no_layer():
    with pytest.raises(WeightsError, match="no layer is named 'convl'") as caught:
        renamed(("convl", "c"), names=["conv1", "ip"])
    assert "did you mean 'conv1'?" in str(caught.value)


@pytest.mark.parametrize("rule", [("(", "a"), ("a", r"\1"), ("(a)", r"\2"), ("a", r"\g<b>"), ("a", "\\")])
def test_rules_that_are_none(rule):
    with pytest.raises(ValueError, match=r".+"):
        Rule(*rule)
