"""Networks of emulated chips, from their chip files."""

from __future__ import annotations

import dataclasses

from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.emulation import NetworkSettings
from sim_instruments.chain import Chain
from sim_instruments.engines import Network
from sim_instruments.imperfections.neurons import drawn
from sim_instruments.network import MultilayerPerceptron
from sim_instruments.torch_module import torch_network


def network_of(settings: NetworkSettings) -> Network:
    """What a chip file's key `network` describes."""
    if settings.kind == "mlp":
        return MultilayerPerceptron(
            settings.widths, settings.activation, settings.output_activation
        )
    if settings.kind == "torch":
        return torch_network(settings)
    return Chain(settings.shape, settings.chain)


def varied(network: Network, sigma: float, seed: int) -> Network:
    """The same with a device-to-device variation of its activations.

    Raises:
        ConfigurationError: its neurons are not known.
    """
    if not sigma:
        return network
    if isinstance(network, MultilayerPerceptron):
        return dataclasses.replace(network, variation=drawn(sigma, seed, network.neurons))
    if isinstance(network, Chain):
        variation = drawn(sigma, seed, network.neurons)
        return Chain(network.shapes[0], network.layers, variation)
    raise ConfigurationError(
        f"chip.imperfections.activation_variation: the neurons of {network.title} are not known; "
        "spell the network out (kind: mlp or chain)"
    )
