"""The simulated instruments of a bench, behind one VISA library."""

from __future__ import annotations

from typing import Any

from mgd_lab.experiment.bench_mapping import BenchMapping
from mgd_lab.experiment.entry_points import EntryPoints
from sim_instruments.bench.bench import Bench
from sim_instruments.bench.plug import BenchInstrument

SIMULATED_BENCH = "mgd_lab.simulated_bench"


def simulated_bench(mapping: BenchMapping) -> Any:
    """What the driver `bench` takes for a VISA library; it brings its time where that is virtual.

    Raises:
        ConfigurationError: what is simulated does not fit the mappings.
    """
    return Bench(mapping, EntryPoints(SIMULATED_BENCH, BenchInstrument)).visa_library()
