"""The seam to `nidaqmx`, NI's own Python library: found when it is needed, its errors translated.

NI-DAQmx Python documentation: nidaqmx.Task, nidaqmx.constants, nidaqmx.errors, nidaqmx.system,
nidaqmx.stream_readers, nidaqmx.stream_writers. Error codes are those of nidaqmx.error_codes.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from mgd_lab.errors import (
    ConfigurationError,
    InstrumentError,
    LimitError,
    LinkError,
    LinkTimeoutError,
    MissingExtraError,
)

# SAMPLES_NOT_YET_AVAILABLE, OPERATION_TIMED_OUT, WAIT_UNTIL_DONE_DOES_NOT_INDICATE_DONE.
_TIMEOUTS = (-200284, -200474, -200560)
# DEV_CANNOT_BE_ACCESSED, DEV_ABSENT_OR_UNAVAILABLE, INVALID_DEVICE_ID.
_ABSENT = (-201003, -200324, -200220)
# INVALID_AO_DATA_WRITE: too large or too small for the channel.
_BEYOND = (-200561,)


class DaqLibrary:
    """The library's modules.

    Raises:
        MissingExtraError: it is not installed.
    """

    def __init__(self) -> None:
        def module(name: str) -> Any:
            return importlib.import_module(name)

        try:
            self.root = module("nidaqmx")
            self.constants = module("nidaqmx.constants")
            self.errors = module("nidaqmx.errors")
            self.readers = module("nidaqmx.stream_readers")
            self.writers = module("nidaqmx.stream_writers")
            self.system = module("nidaqmx.system")
        except ImportError as error:
            raise MissingExtraError("driver nidaq", "nidaqmx", "nidaq") from error

    @contextmanager
    def translated(self, place: str) -> Generator[None]:
        """What the library raises meanwhile, as ours: `place` is who it is about."""
        try:
            yield
        except self.errors.DaqError as error:
            raise _translated(place, error) from error
        except (self.errors.DaqNotFoundError, self.errors.DaqNotSupportedError) as error:
            raise ConfigurationError(
                f"{place}: nidaqmx finds no NI-DAQmx driver. Install it from NI: {error}"
            ) from error


def _translated(place: str, error: Any) -> Exception:
    code = int(error.error_code)
    text = " ".join(str(error).split())
    if code in _TIMEOUTS:
        return LinkTimeoutError(f"{place}: {text}")
    if code in _ABSENT:
        return LinkError(f"{place}: {text}. Check the key resource and the cable")
    if code in _BEYOND:
        return LimitError(f"{place}: {text}")
    return InstrumentError(f"{place}: {text}")
