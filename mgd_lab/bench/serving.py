"""An emulated chip, served on any number of endpoints at once."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from mgd_lab.bench.registry import SettingsOfDrivers, chip_drivers
from mgd_lab.chip import Chip
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment import ChipSettings, load_chip
from sim_instruments.hislip_server import HislipServer
from sim_instruments.occupancy import Endpoint, Occupancy
from sim_instruments.scpi_chip import chip_behind, device_of
from sim_instruments.socket_server import SocketServer

_EMULATED = "emulated"
_SERVERS = {"tcp": SocketServer, "hislip": HislipServer}


@contextmanager
def served(chip_file: Path, host: str, ports: Mapping[str, int]) -> Generator[list[str]]:
    """Serves the chip while the block runs; gives the resource string of each endpoint.

    Args:
        chip_file: a chip file that says what is emulated.
        host: address to listen on.
        ports: `tcp`, `hislip` or both → port, 0 for any that is free.

    Raises:
        ConfigurationError: the chip file says nothing of an emulated chip, no endpoint is named,
            or one cannot listen.
    """
    settings: Any = load_chip(chip_file, drivers=SettingsOfDrivers(chip_drivers()))
    if not ports:
        raise ConfigurationError(
            "name at least one endpoint, for example --tcp 5025; port 0 is any that is free"
        )
    with ExitStack() as stack:
        chip = stack.enter_context(_chip(settings, chip_file))
        core, occupancy = device_of(chip, settings), Occupancy()
        endpoints: list[Endpoint] = [
            _SERVERS[name](core, host, port, occupancy) for name, port in ports.items()
        ]
        for endpoint in endpoints:
            endpoint.start()
            stack.callback(endpoint.close)
        yield [endpoint.resource for endpoint in endpoints]


def _chip(settings: Any, chip_file: Path) -> Chip:
    if settings.driver == _EMULATED:
        return chip_drivers()[_EMULATED].build(settings, None)
    if not isinstance(settings, ChipSettings) or not hasattr(settings, "network"):
        raise ConfigurationError(
            f"{chip_file}: chips of the driver {settings.driver} cannot be emulated; give a chip "
            "file of the driver emulated, or one with the key network"
        )
    return chip_behind(settings)
