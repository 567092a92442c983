"""The stream of records that a run is made of, and where it goes."""

from mgd_lab.records.records import (
    Checkpoint,
    Counters,
    Evaluation,
    Event,
    ParameterSnapshot,
    Record,
    RecordSink,
    Rollback,
    StepBlock,
    Telemetry,
    WindowMeans,
)

__all__ = [
    "Checkpoint",
    "Counters",
    "Evaluation",
    "Event",
    "ParameterSnapshot",
    "Record",
    "RecordSink",
    "Rollback",
    "StepBlock",
    "Telemetry",
    "WindowMeans",
]
