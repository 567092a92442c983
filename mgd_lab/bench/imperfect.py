"""What a run must know of the imperfections of an emulated chip."""

from __future__ import annotations

from mgd_lab.chip import Rung
from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment import ChipSettings
from mgd_lab.experiment.imperfections import Imperfections

MADE_ANEW = (
    "the emulated chip was made anew: its noise begins again, and its wear, drift and write errors "
    "are forgotten, so that the run does not go on exactly"
)


def imperfections_of(settings: ChipSettings) -> Imperfections | None:
    """Those that a chip file gives to a chip that is emulated for this run."""
    simulated = getattr(settings, "simulated", None)
    found = getattr(settings, "imperfections", getattr(simulated, "imperfections", None))
    return found if isinstance(found, Imperfections) else None


def has_history(settings: ChipSettings) -> bool:
    """Whether a chip made anew gives something else than one that was used."""
    found = imperfections_of(settings)
    return found is not None and found.has_history


def check_cost_noise(settings: ChipSettings, rung: Rung) -> None:
    """ConfigurationError where the chip's cost noise would not reach the costs."""
    found = imperfections_of(settings)
    if rung == "forward" and found is not None and found.cost_noise is not None:
        raise ConfigurationError(
            f"chip {settings.name!r}: imperfections.cost_noise is added to costs that the chip "
            "computes; at rung forward the host computes them. Use another rung, or "
            "imperfections.read_noise.outputs"
        )
