import pytest
import torch

from netspec.compiler.determinism import deterministic
from netspec.errors import NetError


def settings():
    cudnn = torch.backends.cudnn
    return torch.are_deterministic_algorithms_enabled(), cudnn.benchmark, cudnn.deterministic


def test_pytorch_s_settings_are_put_back(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    before = settings()
    with deterministic():
        assert settings() == (True, False, True)
        with deterministic(False):
            assert settings() == (True, False, True)
    assert settings() == before


def test_they_are_put_back_after_an_error():
    before = settings()
    with pytest.raises(KeyError), deterministic():
        raise KeyError
    assert settings() == before


def test_an_operation_without_such_an_algorithm_is_named():
    with pytest.raises(NetError, match="frobnicate has no deterministic algorithm here"), deterministic():
        raise RuntimeError("frobnicate does not have a deterministic implementation, but you set ...")


def test_other_errors_stay_what_they_are():
    with pytest.raises(RuntimeError, match="something else"), deterministic():
        raise RuntimeError("something else")
