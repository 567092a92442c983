"""Behind an adapter to a library of others: the simulation that its key `simulated` names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.entry_points import EntryPoints
from mgd_lab.experiment.instrument_settings import InstrumentDriver
from sim_instruments.bench.plug import BenchInstrument, Plug
from sim_instruments.message_exchange import DeviceCore

_ADAPTERS = {"pymeasure", "qcodes"}


def _build(name: str, settings: Any, plug: Plug) -> DeviceCore:
    key = f"instruments.{name}.simulated"
    section: dict[str, Any] | None = settings.simulated
    if section is None:
        raise ConfigurationError(
            f"{key}: {settings.driver} knows no simulation of {settings.class_name}; give the "
            "driver whose simulation is to answer, and its keys"
        )
    drivers: Mapping[str, InstrumentDriver[Any]] = EntryPoints(
        "mgd_lab.instruments", InstrumentDriver
    )
    simulations = EntryPoints("mgd_lab.simulated_bench", BenchInstrument)
    driver = section.get("driver")
    others = sorted(set(simulations) & set(drivers) - _ADAPTERS)
    if driver not in others:
        raise ConfigurationError(
            f"{key}.driver: {driver!r} has no simulation; these have: {', '.join(others)}"
        )
    try:
        native = drivers[str(driver)].settings.model_validate_json(json.dumps(section), strict=True)
    except ValidationError as error:
        problem = error.errors()[0]
        where = (*problem["loc"], *problem.get("ctx", {}).get("key", ()))
        place = ".".join(str(part) for part in where)
        raise ConfigurationError(f"{key}.{place}: {problem['msg']}") from error
    return simulations[str(driver)].build(name, native, plug)


INSTRUMENT = BenchInstrument(build=_build)
