"""Where PyTorch is not installed, whatever needs it says which extra has it."""

import importlib.util

import pytest

from mgd_lab.errors import MissingExtraError
from mgd_lab.experiment.emulation import NetworkSettings
from sim_instruments.emulated_network import network_of
from sim_instruments.engines import engine_of


@pytest.fixture(autouse=True)
def no_torch(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else find(name)
    )


def test_the_engine():
    network = network_of(NetworkSettings(layers=(2, 1)))
    with pytest.raises(MissingExtraError, match=r"engine: torch needs PyTorch.*mgd-lab\[torch\]"):
        engine_of(network, "torch", "float64")


def test_a_network_before_its_file_is_looked_at():
    settings = NetworkSettings(kind="torch", module="none.py:Net", input=(2,))
    with pytest.raises(MissingExtraError, match=r"kind torch needs PyTorch.*mgd-lab\[torch\]"):
        network_of(settings)
