"""A simulated chip behind the link that its chip file names, and what is simulated beside it."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

from mgd_lab.bench.registry import SIMULATED_BOARDS, SIMULATED_INSTRUMENTS
from mgd_lab.bench.simulated_bench import SIMULATED_BENCH
from mgd_lab.chip.simulated_port import PortedLibrary
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.entry_points import EntryPoints
from sim_instruments.bench.beside import Beside
from sim_instruments.bench.plug import BenchInstrument
from sim_instruments.frames_chip import SimulatedBoard
from sim_instruments.serial_server import SerialServer
from sim_instruments.visa_library import SimulatedInstrument, simulated_library


def simulated_link(settings: Any) -> Any:
    """What the driver takes for a VISA library; a board brings its serial port, too.

    Raises:
        ConfigurationError: the chip file does not say what is simulated, or nothing has its name.
    """
    simulated = getattr(settings, "simulated", None)
    if simulated is None:
        raise ConfigurationError(
            'chip.simulated: visa_library "@sim" needs the instrument that is simulated'
        )
    beside: dict[str, Any] = dict(beside_chip(settings).devices())
    if getattr(settings, "port", None):
        boards = EntryPoints(SIMULATED_BOARDS, SimulatedBoard)
        board = _named(boards, simulated.instrument).build(settings)
        folder = tempfile.mkdtemp(prefix="mgd-lab-")
        server = SerialServer(board, Path(folder) / "board", settings.baud_rate)
        weakref.finalize(server, shutil.rmtree, folder, ignore_errors=True)
        return PortedLibrary(simulated_library(beside), server)
    instruments = EntryPoints(SIMULATED_INSTRUMENTS, SimulatedInstrument)
    core = _named(instruments, simulated.instrument).build(settings)
    resource: Any = simulated.resource or getattr(settings, "resource", None)
    return simulated_library({resource: core, **beside})


def beside_chip(settings: Any) -> Beside:
    """The simulated instruments beside a chip; there may be none."""
    simulated = settings.simulated
    return Beside(
        getattr(settings, "instruments", {}),
        EntryPoints(SIMULATED_BENCH, BenchInstrument),
        loads=getattr(simulated, "loads", {}),
        seed=getattr(settings, "seed", 0),
        noise=getattr(simulated, "noise", 1.0),
    )


def _named(known: EntryPoints[Any], name: str) -> Any:
    if name not in known:
        raise ConfigurationError(
            f"chip.simulated.instrument: no instrument {name!r}; installed: "
            f"{', '.join(sorted(known)) or 'none'}"
        )
    return known[name]
