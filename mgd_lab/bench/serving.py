"""An emulated chip, served on any number of endpoints at once, or a bench of instruments."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mgd_lab.bench.registry import SettingsOfDrivers, chip_drivers
from mgd_lab.bench.serving_bench import bench_endpoints, instrument_endpoints
from mgd_lab.bench.simulated_link import beside_chip
from mgd_lab.chip import Chip
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment import load_chip
from mgd_lab.experiment.bench_mapping import BenchMapping
from sim_instruments.frames_chip import board_of
from sim_instruments.hislip_server import HislipServer
from sim_instruments.message_exchange import PolledCore
from sim_instruments.occupancy import Endpoint, Occupancy
from sim_instruments.scpi_chip import chip_behind, device_of
from sim_instruments.serial_server import SerialServer
from sim_instruments.socket_server import SocketServer
from sim_instruments.turns import LineInTurn, ScpiInTurn, Turns

_EMULATED = "emulated"


@dataclass(frozen=True)
class Places:
    """Where a chip is served; None: not there.

    Attributes:
        host: address to listen on.
        tcp, hislip: ports of the raw SCPI socket and of HiSLIP, 0 for any that is free. Instruments
            beside the chip are served on the ports after that of the socket.
        serial: path of the link to a pseudo-terminal that speaks frames; of a bench, where the
            paths of all its instruments begin, which speak there as on sockets.
        baud_rate: to pace the terminal like a line of this speed; None for as fast as it goes.
    """

    host: str = "127.0.0.1"
    tcp: int | None = None
    hislip: int | None = None
    serial: Path | None = None
    baud_rate: float | None = None


@contextmanager
def served(chip_file: Path, places: Places) -> Generator[list[str]]:
    """Serves the chip while the block runs; gives the resource string of each endpoint.

    Raises:
        ConfigurationError: the chip file says nothing of an emulated chip, no place is named, or
            one cannot be had.
    """
    settings: Any = load_chip(chip_file, drivers=SettingsOfDrivers(chip_drivers()))
    with ExitStack() as stack:
        if isinstance(settings, BenchMapping):
            endpoints = _instruments(settings, places)
        else:
            chip = stack.enter_context(_chip(settings, chip_file))
            endpoints = _endpoints(chip, settings, places)
        if not endpoints:
            raise ConfigurationError(
                "name at least one endpoint, for example --tcp 5025; port 0 is any that is free"
            )
        for endpoint in endpoints:
            endpoint.start()
            stack.callback(endpoint.close)
        yield [endpoint.resource for endpoint in endpoints]


def _instruments(mapping: BenchMapping, places: Places) -> list[Endpoint]:
    if places.hislip is not None:
        raise ConfigurationError(
            "the instruments of a bench are served on sockets and serial lines only; use --tcp, "
            "which is the port of the first, or --serial, with which the paths of all begin"
        )
    return bench_endpoints(mapping, places.host, places.tcp, places.serial, places.baud_rate)


def _chip(settings: Any, chip_file: Path) -> Chip:
    if settings.driver == _EMULATED:
        return chip_drivers()[_EMULATED].build(settings, None)
    if not hasattr(settings, "network"):
        raise ConfigurationError(
            f"{chip_file}: chips of the driver {settings.driver} cannot be emulated; give a chip "
            "file of the driver emulated, or one with the key network"
        )
    return chip_behind(settings)


def _endpoints(chip: Chip, settings: Any, places: Places) -> list[Endpoint]:
    endpoints: list[Endpoint] = []
    core: PolledCore = device_of(chip, settings)
    occupancy, turns = Occupancy(), Turns()
    if places.serial is not None:
        core = ScpiInTurn(core, turns)
        board = board_of(chip, settings)
        endpoints.append(SerialServer(LineInTurn(board, turns), places.serial, places.baud_rate))
    if places.hislip is not None:
        endpoints.insert(0, HislipServer(core, places.host, places.hislip, occupancy))
    if places.tcp is not None:
        endpoints.insert(0, SocketServer(core, places.host, places.tcp, occupancy))
        if getattr(settings, "instruments", None):
            first = places.tcp + 1 if places.tcp else 0
            endpoints += instrument_endpoints(beside_chip(settings).cores, places.host, first)
    return endpoints
