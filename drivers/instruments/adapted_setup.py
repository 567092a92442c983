"""The key `setup` of an adapter: properties in their order, each read back where it can be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from drivers.instruments.adapter_seam import Seam
from drivers.instruments.adapter_values import same
from drivers.instruments.foreign import Foreign
from mgd_lab.errors import ConfigurationError, InstrumentError


def set_up(seam: Seam, foreign: Foreign, setup: Mapping[str, Any]) -> None:
    """Sets what is not so already; methods are called whatever was before.

    Raises:
        ConfigurationError: the library does not take a value.
        InstrumentError: a property reads back as another value than was set.
    """
    for path, value in setup.items():
        what = f"setup.{path}"
        # To find a name the library may have to ask the instrument.
        if seam.exchange(what, partial(foreign.is_method, path)):
            seam.exchange(what, partial(foreign.call, path, value), ConfigurationError)
            continue
        read = partial(seam.exchange, what, partial(foreign.get, path))
        readable = seam.exchange(what, partial(foreign.is_readable, path))
        if readable and same(value, read()):
            continue
        seam.exchange(f"{what}: {value}", partial(foreign.set, path, value), ConfigurationError)
        if readable and not same(value, found := read()):
            raise InstrumentError(
                f"{seam.place}: {what} was set to {value!r} and reads back as {found!r}; the "
                "library or the instrument clipped or refused it. Write what it takes"
            )
