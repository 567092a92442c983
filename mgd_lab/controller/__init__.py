"""The loop on the host: probes to the chip, costs back, estimate, update, log."""

from mgd_lab.controller.chunks import Chunk, ChunkSource
from mgd_lab.controller.clock import Clock, SystemClock
from mgd_lab.controller.envelope import Admitted, Envelope, check_amplitudes
from mgd_lab.controller.evaluation import EvaluationSet, Evaluator, needs_memory
from mgd_lab.controller.learners import AnalogLearner, DiscreteLearner, Learner, Updater
from mgd_lab.controller.measurement import Measurement
from mgd_lab.controller.on_chip import OnChipLearner
from mgd_lab.controller.probers import (
    CostProber,
    DenseProber,
    ForwardProber,
    GeneratedProber,
    Prober,
    SignsProber,
    prober_for,
)
from mgd_lab.controller.progress import Outcome, Progress, Status
from mgd_lab.controller.rungs import RUNGS, choose_rung
from mgd_lab.controller.state import TrainingState
from mgd_lab.controller.step_log import StepLog
from mgd_lab.controller.training import Cadence, Training

__all__ = [
    "RUNGS",
    "Admitted",
    "AnalogLearner",
    "Cadence",
    "Chunk",
    "ChunkSource",
    "Clock",
    "CostProber",
    "DenseProber",
    "DiscreteLearner",
    "Envelope",
    "EvaluationSet",
    "Evaluator",
    "ForwardProber",
    "GeneratedProber",
    "Learner",
    "Measurement",
    "OnChipLearner",
    "Outcome",
    "Prober",
    "Progress",
    "SignsProber",
    "Status",
    "StepLog",
    "SystemClock",
    "Training",
    "TrainingState",
    "Updater",
    "check_amplitudes",
    "choose_rung",
    "needs_memory",
    "prober_for",
]
