import pkgutil

import pytest

import netspec.layers
from netspec.layers import registry
from netspec.layers.base import Layer
from netspec.layers.registry import Traits, find_layer, layer, layer_types
from netspec.schema.extensions import load_plugins


@pytest.fixture(autouse=True)
def _untouched(monkeypatch):
    """Tests may register what they like: the catalogue is put back."""
    layer_types()
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))
    yield
    registry._discover.cache_clear()
    load_plugins.cache_clear()


def _define(type="Probe", **traits):
    class Probe(Layer):
        """One line of summary.

        More about it.
        """

    return layer(type, **{"bottoms": 1, "tops": 1, **traits})(Probe)


def test_a_class_declares_its_traits():
    cls = _define(bottoms=(1, None), tops="bottoms", origin="own", loss=True, labels=(1,))
    assert find_layer("Probe") is layer_types()["Probe"] is cls
    assert cls.traits == Traits("Probe", (1, None), "bottoms", "own", True, (1,), "One line of summary.")


def test_a_type_has_one_class():
    _define()

    class Other(Layer):
        """Another."""

    with pytest.raises(ValueError, match=r"'Probe' is already computed by .*Probe"):
        layer("Probe", bottoms=1, tops=1)(Other)


def test_a_module_may_be_loaded_again():
    first, second = _define(), _define()
    assert find_layer("Probe") is second is not first


def test_unknown_types_and_their_case():
    assert find_layer("Nothing") is None
    assert find_layer("convolution") is None


def test_the_catalogue_is_sorted_and_every_layer_says_what_it_does():
    types = list(layer_types())
    assert types == sorted(types, key=str.lower)
    assert {"Convolution", "Pooling", "SpatialTransformer", "SoftmaxWithLoss"} <= set(types)
    for cls in layer_types().values():
        assert cls.traits.summary.endswith((".", ":")), cls
        assert len(cls.traits.summary) <= 110


def test_every_module_of_the_folder_is_walked():
    modules = {info.name for info in pkgutil.iter_modules(netspec.layers.__path__)}
    defining = {cls.__module__.rpartition(".")[2] for cls in layer_types().values()}
    assert defining <= modules
    assert modules - defining >= {"base", "registry", "fillers"}


def test_entry_points_add_to_the_catalogue(monkeypatch):
    asked = []

    class Entry:
        def load(self):
            return _define("FromAfar")

    def entry_points(group):
        asked.append(group)
        return [Entry()]

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    registry._discover.cache_clear()
    load_plugins.cache_clear()
    assert find_layer("FromAfar").traits.type == "FromAfar"
    assert asked == ["netspec.layers"]
