"""What `show` tells of a reference."""

from __future__ import annotations

from typing import Any

from mgd_lab.cli.quantities import duration
from mgd_lab.run_store import Run


def reference_lines(run: Run) -> list[str]:
    """How it was trained, on what, and how long an epoch took."""
    settings: dict[str, Any] = run.experiment.get("reference", {})
    how: dict[str, Any] = run.environment.get("reference", {})
    lines = [
        f"  training        {run.reference}, {settings.get('rule')} at learning rate "
        f"{settings.get('learning_rate')}, batches of {how.get('batch_size')}",
        f"  computed        {settings.get('precision')} on {how.get('device_name')}, PyTorch "
        f"{how.get('torch')}",
    ]
    seconds = run.summary.get("seconds_per_epoch")
    if seconds is not None:
        lines.append(f"  an epoch        {precise_duration(seconds)} of training alone")
    return lines


def precise_duration(seconds: float) -> str:
    """As `duration`, with three digits of what is short."""
    if seconds >= 10:
        return duration(seconds)
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"
