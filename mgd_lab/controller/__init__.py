"""The loop on the host: probes to the chip, costs back, estimate, update, log."""

from mgd_lab.controller.bookkeeping import Bookkeeper, Cadence
from mgd_lab.controller.chunks import Chunk, ChunkSource
from mgd_lab.controller.clock import Clock, SystemClock
from mgd_lab.controller.envelope import Admitted, Envelope, check_amplitudes
from mgd_lab.controller.estimates import AnalogEstimate, DiscreteEstimate, Updater
from mgd_lab.controller.evaluation import EvaluationSet, Evaluator, needs_memory
from mgd_lab.controller.gate import gated
from mgd_lab.controller.gate_chip import GatedChip
from mgd_lab.controller.guards import CostGuard, check_overflow
from mgd_lab.controller.host_watch import HostWatch
from mgd_lab.controller.intermission import Intermission, Resting
from mgd_lab.controller.layer_inputs import LayerInputs
from mgd_lab.controller.learners import AnalogLearner, DiscreteLearner, Learner
from mgd_lab.controller.measurement import Measurement
from mgd_lab.controller.node_estimates import NodeEstimate, weight_gradients
from mgd_lab.controller.node_prober import NodeProber
from mgd_lab.controller.on_chip import OnChipLearner
from mgd_lab.controller.pausing import Cause, PauseControl
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
from mgd_lab.controller.ramp import INTERVAL_SECONDS, Ramp, ramp
from mgd_lab.controller.rounding import Rounding
from mgd_lab.controller.rungs import RUNGS, choose_rung
from mgd_lab.controller.state import TrainingState
from mgd_lab.controller.step_log import StepLog
from mgd_lab.controller.surroundings import (
    DiskGuard,
    HostSleptGuard,
    RetriesGuard,
    TelemetryGuard,
)
from mgd_lab.controller.telemetry import TelemetryReader
from mgd_lab.controller.training import Training
from mgd_lab.controller.watch import Finding, Guard, Watch, watched

__all__ = [
    "INTERVAL_SECONDS",
    "RUNGS",
    "Admitted",
    "AnalogEstimate",
    "AnalogLearner",
    "Bookkeeper",
    "Cadence",
    "Cause",
    "Chunk",
    "ChunkSource",
    "Clock",
    "CostGuard",
    "CostProber",
    "DenseProber",
    "DiscreteEstimate",
    "DiscreteLearner",
    "DiskGuard",
    "Envelope",
    "EvaluationSet",
    "Evaluator",
    "Finding",
    "ForwardProber",
    "GatedChip",
    "GeneratedProber",
    "Guard",
    "HostSleptGuard",
    "HostWatch",
    "Intermission",
    "LayerInputs",
    "Learner",
    "Measurement",
    "NodeEstimate",
    "NodeProber",
    "OnChipLearner",
    "Outcome",
    "PauseControl",
    "Prober",
    "Progress",
    "Ramp",
    "Resting",
    "RetriesGuard",
    "Rounding",
    "SignsProber",
    "Status",
    "StepLog",
    "SystemClock",
    "TelemetryGuard",
    "TelemetryReader",
    "Training",
    "TrainingState",
    "Updater",
    "Watch",
    "check_amplitudes",
    "check_overflow",
    "choose_rung",
    "gated",
    "needs_memory",
    "prober_for",
    "ramp",
    "watched",
    "weight_gradients",
]
