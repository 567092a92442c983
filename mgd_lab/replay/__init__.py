"""Replay: estimate and update again from a run's log alone, compared with what was applied."""

from mgd_lab.replay.replaying import replay_run
from mgd_lab.replay.report import Deviation, Difference, Exploration, ReplayReport, Suspect

__all__ = [
    "Deviation",
    "Difference",
    "Exploration",
    "ReplayReport",
    "Suspect",
    "replay_run",
]
