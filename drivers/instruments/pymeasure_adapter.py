"""Any instrument that PyMeasure has a class for, by the names of its properties.

https://pymeasure.readthedocs.io: `Instrument`, `VISAAdapter`, `Instrument.control`. A property
whose validator is strict raises ValueError for a value out of range; a truncating one sends the
nearest value that is allowed without a word, which shows when the level is read back. Errors that
an instrument keeps are written to a log only, unless the key `errors` names what gives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from importlib import import_module
from typing import Any

from pydantic import Field

from drivers.instruments.adapted_instrument import AdaptedInstrument
from drivers.instruments.adapter_settings import (
    AdaptedMeter,
    AdaptedSource,
    AdapterSettings,
)
from drivers.instruments.foreign import (
    call_with,
    check_arguments,
    half_made,
    load_class,
    refuse_names,
    takes,
)
from drivers.instruments.foreign_visa import check_library, prepare
from drivers.instruments.pymeasure_attributes import can, problem_of_class, problem_of_object
from drivers.link import place
from mgd_lab.experiment.instrument_settings import InstrumentDriver

_FIELDS = ("manufacturer", "model", "serial", "firmware")


class PyMeasureSource(AdaptedSource):
    """A knob: a property that can be set."""

    attribute: str = Field(min_length=1, description="property of the class, ch_1.voltage e.g.")
    read_attribute: str | None = Field(
        default=None, description="property that tells the level; null: the same"
    )

    @property
    def written(self) -> str:
        """Name of what is set."""
        return self.attribute

    @property
    def read(self) -> str:
        """Name of what is read back."""
        return self.read_attribute or self.attribute


class PyMeasureMeter(AdaptedMeter):
    """A property that is read, or a method without arguments."""

    attribute: str = Field(min_length=1, description="property or method of the class")

    @property
    def read(self) -> str:
        """Name of what is read."""
        return self.attribute


class PyMeasureSettings(AdapterSettings[PyMeasureSource, PyMeasureMeter]):
    """Section of an instrument that is driven through PyMeasure (extra `pymeasure`)."""


class PyMeasureObject:
    """An object of a PyMeasure class (see `drivers.instruments.foreign.Foreign`).

    Args:
        name: in the chip file.
        settings: its section.
        library: what `pyvisa.ResourceManager` takes; unused without a resource.

    Raises:
        MissingExtraError: PyMeasure is not installed.
        ConfigurationError: there is no such class, or it has not what the section names.
    """

    def __init__(self, name: str, settings: PyMeasureSettings, library: Any) -> None:
        self._place = place(name, settings.resource or settings.class_name)
        self._settings = settings
        self._library = library
        self._class = made = load_class(self._place, settings.class_name, "pymeasure", "pymeasure")
        given = ("",) if settings.resource else ()
        check_arguments(self._place, made, *given, **settings.arguments)
        refuse_names(
            self._place, [(use.key, problem_of_class(made, use)) for use in settings.uses()]
        )
        self._made: Any = None

    def connect(self) -> None:
        """Makes the object; a resource is opened by PyMeasure with the bench's VISA library."""
        try:
            self._made = self._make()
        except Exception as error:
            for each in half_made(error, self._class):
                self._let_go(each)
            raise
        connection = getattr(getattr(self._made, "adapter", None), "connection", None)
        if self._settings.resource and hasattr(connection, "visalib"):
            prepare(connection, self._place, self._settings.timeout_seconds)

    def close(self) -> None:
        """Closes the adapter; PyMeasure's `shutdown` would change the outputs."""
        made, self._made = self._made, None
        if made is not None:
            self._let_go(made)

    def identity(self) -> Mapping[str, str]:
        """Fields of `id`; the class where the instrument has none."""
        try:
            answer = str(getattr(self._made, "id", ""))
        except NotImplementedError:
            answer = ""
        fields = [field.strip() for field in answer.split(",")]
        if len(fields) < 2:
            maker = self._class.__module__.split(".")
            fields = [maker[2] if len(maker) > 2 else maker[0], self._class.__name__]
        found = dict(zip(_FIELDS, [*fields, "", ""], strict=False))
        # Some instruments say "MODEL 2400".
        return found | {"model": found["model"].split()[-1] if found["model"] else ""}

    def check_names(self) -> None:
        """What the class alone could not tell."""
        problems: list[tuple[str, str]] = []
        for use in self._settings.uses():
            try:
                owner = self._owner(use.path)
            except AttributeError as error:
                problems.append((use.key, str(error)))
            else:
                problems.append((use.key, problem_of_object(owner, use)))
        refuse_names(self._place, problems)

    def is_method(self, path: str) -> bool:
        """Whether it is called, instead of being set."""
        return not isinstance(self._declared(path), property)

    def is_readable(self, path: str) -> bool:
        """Whether it is a property that can be read."""
        member = self._declared(path)
        return isinstance(member, property) and can(member, "read")

    def get(self, path: str) -> Any:
        """Value of a property, or what a method gives."""
        found = getattr(self._owner(path), _last(path))
        return found() if callable(found) else found

    def set(self, path: str, value: Any) -> None:
        """Sets a property."""
        setattr(self._owner(path), _last(path), value)

    def call(self, path: str, arguments: Any) -> None:
        """Calls a method."""
        call_with(getattr(self._owner(path), _last(path)), arguments)

    def _make(self) -> Any:
        arguments, resource = self._settings.arguments, self._settings.resource
        if not resource:
            return self._class(**arguments)
        check_library(self._place, self._library)
        # The class adds terminations of its own to these, which it could not to an adapter.
        if takes(self._class, "visa_library"):
            return self._class(resource, **{"visa_library": self._library, **arguments})
        adapters: Any = import_module("pymeasure.adapters")
        adapter = adapters.VISAAdapter(resource, visa_library=self._library)
        return self._class(adapter, **arguments)

    def _let_go(self, made: Any) -> None:
        adapter = getattr(made, "adapter", None)
        close = getattr(adapter, "close", None) or getattr(made, "close", None)
        if close is not None:
            close()

    def _owner(self, path: str) -> Any:
        return reduce(getattr, path.split(".")[:-1], self._made)

    def _declared(self, path: str) -> Any:
        owner: type[Any] = self._owner(path).__class__
        return getattr(owner, _last(path), None)


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _build(name: str, settings: PyMeasureSettings, library: Any) -> AdaptedInstrument:
    return AdaptedInstrument(name, settings, PyMeasureObject(name, settings, library))


DRIVER = InstrumentDriver(settings=PyMeasureSettings, build=_build)
