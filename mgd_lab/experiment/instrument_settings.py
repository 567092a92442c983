"""What every instrument of a bench says in a chip file; an instrument's settings are a subclass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import Field

from mgd_lab.chip.instruments import Instrument
from mgd_lab.experiment.chip_settings import Settings


class ExpectedIdentity(Settings):
    """Fields of an instrument's identity that must be as given; others may be anything."""

    manufacturer: str | None = None
    model: str | None = None
    serial: str | None = None


class InstrumentSettings(Settings):
    """The keys that every instrument shares."""

    driver: str = Field(description="entry point of the group mgd_lab.instruments")
    resource: str = Field(default="", description="VISA resource name")
    timeout_seconds: float = Field(default=5.0, gt=0, le=86400, description="of one operation")
    identity: ExpectedIdentity = ExpectedIdentity()


InstrumentSettingsT = TypeVar("InstrumentSettingsT", bound=InstrumentSettings)


@dataclass(frozen=True)
class InstrumentDriver(Generic[InstrumentSettingsT]):
    """What an entry point of the group `mgd_lab.instruments` names.

    Attributes:
        settings: the model of the instrument's section of a chip file.
        build: name in the chip file, settings, VISA library → instrument, without I/O. The library
            is what `pyvisa.ResourceManager` takes; drivers that need no VISA ignore it.
    """

    settings: type[InstrumentSettingsT]
    build: Callable[[str, InstrumentSettingsT, Any], Instrument]
