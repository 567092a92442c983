"""The one way to a chip: it has the chip's capabilities, and judges every value before it goes on.

Nothing above the drivers sends a value to an open chip but through this.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

from mgd_lab.chip import Chip
from mgd_lab.controller.clock import Clock, SystemClock
from mgd_lab.controller.envelope import Envelope
from mgd_lab.controller.gate_capabilities import GATES
from mgd_lab.controller.gate_chip import GatedChip
from mgd_lab.errors import ConfigurationError


def gated(
    chip: Chip,
    envelope: Envelope,
    *,
    clock: Clock | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> GatedChip:
    """A chip with exactly the capabilities of the one given, which is open, behind the envelope.

    A gate of the same envelope is returned as it is. What would leave the limits, move faster than
    the slew or exceed the budget of writes raises LimitError, and nothing of it is sent; what lies
    within is forwarded unchanged. `clock` and `sleep` tell and spend the time that moves take.

    Raises:
        ConfigurationError: the envelope belongs to another chip.
    """
    if isinstance(chip, GatedChip) and chip.envelope is envelope:
        return chip
    if chip.description != envelope.description:
        raise ConfigurationError(
            f"chip {chip.description.name!r} is not described as the chip that the envelope was "
            "made for; fit the experiment to the open chip"
        )
    capabilities = frozenset(capability for capability in GATES if isinstance(chip, capability))
    return _class_with(capabilities)(chip, envelope, clock or SystemClock(), sleep)


@cache
def _class_with(capabilities: frozenset[type]) -> type[GatedChip]:
    bases = tuple(gate for capability, gate in GATES.items() if capability in capabilities)
    return type("GatedChip", bases or (GatedChip,), {})
