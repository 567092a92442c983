"""Sections of a chip file that belong to instruments, each validated by its own driver's model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, GetJsonSchemaHandler, SerializeAsAny
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment import key_problem
from mgd_lab.experiment.entry_points import EntryPoints
from mgd_lab.experiment.instrument_settings import InstrumentDriver, InstrumentSettings
from mgd_lab.experiment.nearest import did_you_mean

INSTRUMENTS = "mgd_lab.instruments"


def instrument_drivers() -> Mapping[str, InstrumentDriver[Any]]:
    """Every installed driver of an instrument."""
    return EntryPoints(INSTRUMENTS, InstrumentDriver)


def _settings_of_driver(value: Any) -> Any:
    """A mapping → the settings of the driver that it names."""
    if not isinstance(value, dict):
        return value
    section = cast("dict[str, Any]", value)
    drivers = instrument_drivers()
    known = ", ".join(sorted(drivers)) or "none"
    name = section.get("driver")
    if name is None:
        raise key_problem(f"a required key is missing; installed instruments: {known}", "driver")
    if not isinstance(name, str) or name not in drivers:
        raise key_problem(
            f"no driver of an instrument {name!r} is installed{did_you_mean(str(name), drivers)} "
            f"(installed: {known})",
            "driver",
        )
    try:
        model: type[InstrumentSettings] = drivers[name].settings
    except ConfigurationError as error:
        raise key_problem(str(error), "driver") from error
    keys = [field.alias or key for key, field in model.model_fields.items()]
    for key in section:
        if key not in keys:
            meant = did_you_mean(key, keys) or f"; the keys of {name} are {', '.join(keys)}"
            raise key_problem(f"unknown key{meant}", key)
    # JSON is where pydantic's strict mode takes lists for tuples and text for paths.
    return model.model_validate_json(json.dumps(section), strict=True)


class _AnyInstalledInstrument:
    """In JSON Schema, the section of an instrument is that of any installed driver."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        drivers = instrument_drivers()
        sections: list[dict[str, Any]] = [
            {
                "allOf": [
                    handler(drivers[name].settings.__pydantic_core_schema__),
                    {"required": ["driver"], "properties": {"driver": {"const": name}}},
                ]
            }
            for name in sorted(drivers)
        ]
        return {"anyOf": sections} if sections else handler(schema)


InstrumentSection = Annotated[
    SerializeAsAny[InstrumentSettings],
    BeforeValidator(_settings_of_driver),
    _AnyInstalledInstrument,
]
"""Settings of an instrument, decoded by the driver that the section names."""
