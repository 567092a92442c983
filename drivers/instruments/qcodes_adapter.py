"""Any instrument that QCoDeS has a class for, by the names of its parameters.

https://microsoft.github.io/Qcodes: `Instrument`, `VisaInstrument`, `Parameter`. A value that a
parameter's validator does not take raises ValueError or TypeError before anything is sent. A
parameter without a command of its own remembers what it was set to: it tells nothing of the
instrument, and is refused as a knob or its reading.
"""

from __future__ import annotations

import inspect
import itertools
import logging
import re
from collections.abc import Mapping
from functools import reduce
from importlib import import_module
from types import new_class
from typing import Any

from pydantic import Field

from drivers.instruments.adapted_instrument import AdaptedInstrument
from drivers.instruments.adapter_settings import AdaptedMeter, AdaptedSource, AdapterSettings
from drivers.instruments.foreign import (
    call_with,
    check_arguments,
    half_made,
    load_class,
    refuse_names,
    takes,
)
from drivers.instruments.foreign_visa import check_library, prepare
from drivers.instruments.qcodes_parameters import Parameters
from drivers.link import place
from mgd_lab.errors import ConfigurationError, LinkError
from mgd_lab.experiment.instrument_settings import InstrumentDriver

_FIELDS = {"manufacturer": "vendor", "model": "model", "serial": "serial", "firmware": "firmware"}
_numbers = itertools.count(1)


class QCodesSource(AdaptedSource):
    """A knob: a parameter that can be set."""

    parameter: str = Field(min_length=1, description="of the class, ch01.voltage for example")
    read_parameter: str | None = Field(
        default=None, description="parameter that tells the level; null: the same"
    )

    @property
    def written(self) -> str:
        """Name of what is set."""
        return self.parameter

    @property
    def read(self) -> str:
        """Name of what is read back."""
        return self.read_parameter or self.parameter


class QCodesMeter(AdaptedMeter):
    """A parameter that is read, or a method without arguments."""

    parameter: str = Field(min_length=1, description="parameter or method of the class")

    @property
    def read(self) -> str:
        """Name of what is read."""
        return self.parameter


class QCodesSettings(AdapterSettings[QCodesSource, QCodesMeter]):
    """Section of an instrument that is driven through QCoDeS (extra `qcodes`)."""


class QCodesObject:
    """An object of a QCoDeS class (see `drivers.instruments.foreign.Foreign`).

    Args:
        name: in the chip file.
        settings: its section.
        library: what `pyvisa.ResourceManager` takes; for VISA instruments only.

    Raises:
        MissingExtraError: QCoDeS is not installed.
        ConfigurationError: there is no such class, or it is not made of such arguments. Parameters
            exist with the instrument only, so that a wrong name shows when it is connected.
    """

    def __init__(self, name: str, settings: QCodesSettings, library: Any) -> None:
        self._place = place(name, settings.resource or settings.class_name)
        self._name = re.sub(r"\W", "_", f"{name}_{next(_numbers)}")
        self._settings = settings
        self._library = library
        self._class = made = load_class(self._place, settings.class_name, "qcodes", "qcodes")
        # Without a handler of its own Python prints what QCoDeS logs.
        logging.getLogger("qcodes").addHandler(logging.NullHandler())
        instruments: Any = import_module("qcodes.instrument")
        if not issubclass(made, instruments.Instrument):
            raise ConfigurationError(
                f"{self._place}: class: {made.__name__} is no QCoDeS instrument"
            )
        self._is_visa = issubclass(made, instruments.VisaInstrument)
        self._silent: type[Any] = _silenced(made)
        check_arguments(self._place, made, self._name, **self._arguments())
        self._made: Any = None
        self._parameters = Parameters(self._owner_of)

    def connect(self) -> None:
        """Makes the object; VISA instruments are opened with the bench's VISA library."""
        if self._is_visa:
            check_library(self._place, self._library)
        try:
            self._made = self._silent(self._name, **self._arguments())
        except Exception as error:
            for each in half_made(error, self._class):
                each.close()
            raise
        if self._is_visa:
            prepare(self._made.visa_handle, self._place, self._settings.timeout_seconds)

    def close(self) -> None:
        """Closes the object."""
        made, self._made = self._made, None
        if made is not None:
            made.close()

    def identity(self) -> Mapping[str, str]:
        """What `get_idn` gives; the class where the instrument tells nothing."""
        found: Mapping[str, Any] = self._made.get_idn()
        # Where no answer came QCoDeS makes one up, of the object's name.
        if found.get("vendor") is None and found.get("model") in (None, self._name):
            if self._is_visa:
                raise LinkError(f"{self._place}: no answer to *IDN?. Check the resource and cable")
            maker = self._class.__module__.split(".")
            found = {"vendor": maker[2] if len(maker) > 2 else maker[0]}
            found |= {"model": self._class.__name__}
        return {field: str(found.get(theirs) or "") for field, theirs in _FIELDS.items()}

    def check_names(self) -> None:
        """ConfigurationError where a parameter is missing, or cannot be read or set."""
        uses = self._settings.uses()
        refuse_names(self._place, [(use.key, self._parameters.problem(use)) for use in uses])

    def is_method(self, path: str) -> bool:
        """Whether it is called, instead of being set."""
        return not self._parameters.is_parameter(path)

    def is_readable(self, path: str) -> bool:
        """Whether the instrument can be asked for it."""
        return self._parameters.can_be_read(path)

    def get(self, path: str) -> Any:
        """Value of a parameter, asked from the instrument, or what a method gives."""
        found = self._parameters.find(path)
        return found.get() if self._parameters.is_parameter(path) else found()

    def set(self, path: str, value: Any) -> None:
        """Sets a parameter; ValueError where its validator does not take the value."""
        try:
            self._parameters.find(path).set(value)
        except TypeError as error:
            raise ValueError(str(error)) from error

    def call(self, path: str, arguments: Any) -> None:
        """Calls a method."""
        call_with(self._parameters.find(path), arguments)

    def _arguments(self) -> dict[str, Any]:
        settings = self._settings
        arguments: dict[str, Any] = {}
        if settings.resource and takes(self._class, "address"):
            arguments["address"] = settings.resource
        if self._is_visa:
            if not takes(self._class, "visalib"):
                raise ConfigurationError(
                    f"{self._place}: class: {self._class.__name__} takes no visalib, so that it "
                    "cannot be opened with the bench's VISA library"
                )
            arguments["visalib"] = self._library
        return {**arguments, **settings.arguments}

    def _owner_of(self, path: str) -> Any:
        return reduce(getattr, path.split(".")[:-1], self._made)


def _silenced(made: type[Any]) -> type[Any]:
    """The class, without the line that it prints when it has connected."""

    def connect_message(*_: Any, **__: Any) -> None:
        return None

    doc = inspect.getdoc(made)
    body: dict[str, Any] = {"connect_message": connect_message, "__module__": made.__module__}
    return new_class(
        made.__name__, (made,), exec_body=lambda space: space.update(body | {"__doc__": doc})
    )


def _build(name: str, settings: QCodesSettings, library: Any) -> AdaptedInstrument:
    return AdaptedInstrument(name, settings, QCodesObject(name, settings, library))


DRIVER = InstrumentDriver(settings=QCodesSettings, build=_build)
