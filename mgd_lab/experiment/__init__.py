"""Experiment and chip files: frozen models, and a loader whose errors name file, line and key."""

from mgd_lab.experiment.alternatives import Alternatives, key_problem
from mgd_lab.experiment.chip_settings import (
    ChipDriver,
    ChipSettings,
    InputLimits,
    Limits,
    ParameterLimits,
    Rung,
    Settings,
)
from mgd_lab.experiment.emulation import Activation, EmulationSettings, NetworkSettings
from mgd_lab.experiment.experiment import Drivers, Experiment, resolved_mapping
from mgd_lab.experiment.guards import (
    CostBounds,
    DiskBound,
    Guards,
    HostSleptBound,
    PauseRule,
    RetriesBound,
    TelemetryWindow,
)
from mgd_lab.experiment.initial import Initial
from mgd_lab.experiment.json_schema import chip_json_schema, json_schema
from mgd_lab.experiment.limits import narrowed
from mgd_lab.experiment.loading import (
    LoadedExperiment,
    amended_experiment,
    experiment_from_mapping,
    load_chip,
    load_experiment,
)
from mgd_lab.experiment.observation import Evaluate, Logging
from mgd_lab.experiment.overrides import Overrides, parse_override
from mgd_lab.experiment.perturbation import Amplitude, Perturbation, Samples, TimeConstants
from mgd_lab.experiment.reference import Reference
from mgd_lab.experiment.stop import DEFAULT_STEPS, Stop
from mgd_lab.experiment.task import DataSetName, Split, Task
from mgd_lab.experiment.training import Training
from mgd_lab.experiment.update import LearningRateSchedule, Update

__all__ = [
    "DEFAULT_STEPS",
    "Activation",
    "Alternatives",
    "Amplitude",
    "ChipDriver",
    "ChipSettings",
    "CostBounds",
    "DataSetName",
    "DiskBound",
    "Drivers",
    "EmulationSettings",
    "Evaluate",
    "Experiment",
    "Guards",
    "HostSleptBound",
    "Initial",
    "InputLimits",
    "LearningRateSchedule",
    "Limits",
    "LoadedExperiment",
    "Logging",
    "NetworkSettings",
    "Overrides",
    "ParameterLimits",
    "PauseRule",
    "Perturbation",
    "Reference",
    "RetriesBound",
    "Rung",
    "Samples",
    "Settings",
    "Split",
    "Stop",
    "Task",
    "TelemetryWindow",
    "TimeConstants",
    "Training",
    "Update",
    "amended_experiment",
    "chip_json_schema",
    "experiment_from_mapping",
    "json_schema",
    "key_problem",
    "load_chip",
    "load_experiment",
    "narrowed",
    "parse_override",
    "resolved_mapping",
]
