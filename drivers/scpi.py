"""The driver `scpi`: a chip that speaks `docs/protocol-scpi.md` over any VISA library."""

from __future__ import annotations

from typing import Any

from drivers.powered_chip import chip_of
from drivers.remote_chip import RemoteChip
from drivers.scpi_link import ScpiLink
from drivers.scpi_settings import ScpiSettings
from drivers.visa_session import VisaSession
from mgd_lab.experiment.chip_settings import ChipDriver


def scpi_chip(
    settings: ScpiSettings, visa_library: Any = None, *, sequence: int | None = None
) -> RemoteChip:
    """A chip behind a VISA resource; nothing is opened yet.

    Args:
        settings: the chip file.
        visa_library: what `pyvisa.ResourceManager` takes; `settings.visa_library` where None.
        sequence: number of the request before the first; drawn where None.
    """
    name = settings.name or settings.resource
    library = settings.visa_library if visa_library is None else visa_library
    session = VisaSession(library, settings.resource, settings.timeout_seconds, name)
    return chip_of(ScpiLink(session, name, sequence), name, settings, library)


DRIVER = ChipDriver(settings=ScpiSettings, build=scpi_chip)
