"""Large nets, as tests/nets write them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

NETS = Path(__file__).parents[1] / "nets"


def module(name):
    spec = importlib.util.spec_from_file_location(f"nets_{name}", NETS / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="session")
def googlenet():
    """The text of GoogLeNet."""
    return str(module("test_googlenet").googlenet(module("conftest").Text()))


@pytest.fixture(scope="session")
def resnet152():
    """The text of ResNet-152."""
    return str(module("test_resnet").resnet(module("conftest").Text(), 152, 64))
