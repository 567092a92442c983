"""The simulated instruments of a bench, each served on a port of its own."""

from __future__ import annotations

from collections.abc import Mapping

from mgd_lab.bench.simulated_bench import SIMULATED_BENCH
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.bench_mapping import BenchMapping
from mgd_lab.experiment.entry_points import EntryPoints
from sim_instruments.bench.bench import Bench, CoreOnBench
from sim_instruments.bench.plug import BenchInstrument
from sim_instruments.message_exchange import PolledCore
from sim_instruments.occupancy import Endpoint, Occupancy
from sim_instruments.socket_server import SocketServer


def bench_endpoints(mapping: BenchMapping, host: str, port: int) -> list[Endpoint]:
    """A raw SCPI socket an instrument, in the order of the chip file, on ports from `port` on.

    Time is real, whatever the chip file says: hosts elsewhere have no other.

    Args:
        mapping: with the key `simulated`.
        host: address to listen on.
        port: 0 for any that are free.

    Raises:
        ConfigurationError: what is simulated does not fit the mappings, or an instrument speaks
            no SCPI.
    """
    if mapping.simulated is not None:
        simulated = mapping.simulated.model_copy(update={"time": "real"})
        mapping = mapping.model_copy(update={"simulated": simulated})
    bench = Bench(mapping, EntryPoints(SIMULATED_BENCH, BenchInstrument))
    return instrument_endpoints(bench.cores, host, port)


def instrument_endpoints(cores: Mapping[str, CoreOnBench], host: str, port: int) -> list[Endpoint]:
    """The same for instruments that are simulated already, by their names."""
    endpoints: list[Endpoint] = []
    for k, (name, core) in enumerate(cores.items()):
        if not isinstance(core, PolledCore):
            raise ConfigurationError(
                f"instruments.{name}: the simulation has no status to report, and cannot be served "
                'on a socket; use it by visa_library: "@sim"'
            )
        endpoints.append(SocketServer(core, host, port + k if port else 0, Occupancy()))
    return endpoints
