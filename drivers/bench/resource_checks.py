"""Whether every instrument of a chip file is a box of its own."""

from __future__ import annotations

from collections.abc import Mapping

from pyvisa import rname

from mgd_lab.experiment import key_problem
from mgd_lab.experiment.instrument_settings import InstrumentSettings


def check_resources(sections: Mapping[str, InstrumentSettings], chip: str = "") -> None:
    """Raises what a validator raises where two sections, or one and the chip, share a resource.

    `chip` is the resource of the chip itself. An empty one is that of no box: a library of others
    then finds it by arguments of its own.
    """
    taken = {_spelled(chip): "the chip itself"} if chip else {}
    for name, section in sections.items():
        if not section.resource:
            continue
        spelled = _spelled(section.resource)
        if spelled in taken:
            raise key_problem(
                f"{section.resource} is {taken[spelled]}: two would drive the same box, each "
                "knowing nothing of the other; use one section for all of its channels, or correct "
                "the resource",
                *("instruments", name, "resource"),
            )
        taken[spelled] = f"the resource of {name} too"


def _spelled(resource: str) -> str:
    """Two ways to write a VISA resource give the same; what is none stays as it is."""
    try:
        # pyvisa is particular about case, instruments are not.
        return rname.to_canonical_name(resource.strip().upper()).casefold()
    # The latter where nothing but an interface is named.
    except (rname.InvalidResourceName, IndexError):
        return resource.strip().casefold()
