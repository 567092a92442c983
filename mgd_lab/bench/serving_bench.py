"""The simulated instruments of a bench, each served on ports of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mgd_lab.bench.simulated_bench import SIMULATED_BENCH
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.bench_mapping import BenchMapping
from mgd_lab.experiment.entry_points import EntryPoints
from sim_instruments.bench.bench import Bench, CoreOnBench
from sim_instruments.bench.plug import BenchInstrument
from sim_instruments.message_exchange import PolledCore
from sim_instruments.messages_on_line import MessagesOnLine
from sim_instruments.occupancy import Endpoint, Occupancy
from sim_instruments.serial_server import SerialServer
from sim_instruments.socket_server import SocketServer


def bench_endpoints(
    mapping: BenchMapping,
    host: str,
    port: int | None,
    serial: Path | None = None,
    baud_rate: float | None = None,
) -> list[Endpoint]:
    """Each instrument on a raw SCPI socket, on a serial line, or on both.

    Time is real, whatever the chip file says: hosts elsewhere have no other.

    Args:
        mapping: with the key `simulated`.
        host: address to listen on.
        port: of the first in the order of the chip file, the others follow; 0 for any that are
            free, None for no sockets.
        serial: beginning of the paths of links to pseudo-terminals, `SERIAL-NAME` each; None for
            none.
        baud_rate: to pace them like lines of this speed; None for as fast as they go.

    Raises:
        ConfigurationError: what is simulated does not fit the mappings, or an instrument speaks
            no SCPI.
    """
    if mapping.simulated is not None:
        simulated = mapping.simulated.model_copy(update={"time": "real"})
        mapping = mapping.model_copy(update={"simulated": simulated})
    bench = Bench(mapping, EntryPoints(SIMULATED_BENCH, BenchInstrument))
    endpoints = [] if port is None else instrument_endpoints(bench.cores, host, port)
    if serial is not None:
        endpoints += [
            SerialServer(MessagesOnLine(core), f"{serial}-{name}", baud_rate)
            for name, core in bench.cores.items()
        ]
    return endpoints


def instrument_endpoints(cores: Mapping[str, CoreOnBench], host: str, port: int) -> list[Endpoint]:
    """A socket for each of the instruments that are simulated already, by their names."""
    endpoints: list[Endpoint] = []
    for k, (name, core) in enumerate(cores.items()):
        if not isinstance(core, PolledCore):
            raise ConfigurationError(
                f"instruments.{name}: the simulation has no status to report, and cannot be served "
                'on a socket; use it by visa_library: "@sim"'
            )
        endpoints.append(SocketServer(core, host, port + k if port else 0, Occupancy()))
    return endpoints
