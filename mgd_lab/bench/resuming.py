"""What a run that goes on must find as it was: experiment, data, chip, arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from numpy.typing import NDArray

from mgd_lab.bench.assembly import Fitted
from mgd_lab.bench.grouping import grouping_of
from mgd_lab.bench.registry import SettingsOfDrivers, chip_drivers
from mgd_lab.errors import ConfigurationError, RunStoreError
from mgd_lab.experiment import (
    Experiment,
    amended_experiment,
    experiment_from_mapping,
    resolved_mapping,
)
from mgd_lab.records import Counters
from mgd_lab.run_store import Run, RunFolder, open_run, writer_is_alive

# What may be another without a word: it changes neither what is measured nor what is learnt.
_FREE = (
    "stop",
    "guards",
    "reference",
    "evaluate.every_steps",
    "logging.checkpoint_every_seconds",
    "logging.telemetry_every_seconds",
    "logging.parameters_every_updates",
    "training.finish",
    *(
        f"chip.{key}"
        for key in (
            "resource",
            "port",
            "baud_rate",
            "visa_library",
            "timeout_seconds",
            "retries",
            "max_block_probes",
            "watchdog_seconds",
            "latency_seconds",
        )
    ),
)
# What may be another if it is meant.
_ACCEPTABLE = (
    "chip",
    "evaluate",
    "task.file",
    "task.cost.file",
    "training.update.learning_rate",
    "training.update.schedule",
    "training.update.momentum",
    "training.update.beta1",
    "training.update.beta2",
    "training.update.epsilon",
    "training.update.compensate",
    "training.update.clamp",
    "training.update.float_copy",
    "training.update.rounding",
)
_ARITHMETIC = ("mgd_lab", "implementation", "machine", "byte_order", "numpy_cpu_features")
_ENDS = ("finished", "target_reached", "target_missed")


@dataclass(frozen=True)
class Resumption:
    """A run that may go on, with what its last checkpoint holds.

    Attributes:
        experiment: with the changes asked for; `changed` says whether there are any.
        memory: arrays of the checkpoint; None where the run ended before its first.
        accepted: whether differences are meant.
        differences: those found before the chip was opened.
    """

    folder: RunFolder
    experiment: Experiment
    changed: bool
    memory: Mapping[str, NDArray[Any]] | None
    counters: Counters
    environment: Mapping[str, Any]
    accepted: bool
    differences: tuple[str, ...]

    def check(self, fitted: Fitted, environment: Mapping[str, Any]) -> tuple[str, ...]:
        """Everything that differs; ConfigurationError where it was not accepted, or cannot be."""
        before, now = self.environment, environment
        if self.memory is not None:
            self._check_place(self.memory, fitted)
        found = [*self.differences]
        found += _differing("", _arithmetic(before), _arithmetic(now))
        found += _differing("data.", _get(before, "data"), _get(now, "data"))
        found += _differing("cost.", _get(before, "cost"), _get(now, "cost"))
        for part in ("identity", "description"):
            was, is_now = (_flat(_get(each, "chip", part) or {}) for each in (before, now))
            for address in ("resource", "errors_found_when_opened"):
                was.pop(address, None)
                is_now.pop(address, None)
            found += _differing(f"chip {part} ", was, is_now)
        grouping = grouping_of(_get(now, "chip", "identity") or {})
        if grouping:
            found.append(grouping)
        self.judge(found)
        return tuple(found)

    def _check_place(self, memory: Mapping[str, NDArray[Any]], fitted: Fitted) -> None:
        """The state must have a place on this chip, at this rung."""
        if len(memory["theta"]) != fitted.description.parameters:
            raise ConfigurationError(
                f"{self.folder.path}: the run has {len(memory['theta'])} parameters, the chip "
                f"{fitted.description.parameters}: it is another chip. Start a new run"
            )
        before = _get(self.environment, "chip", "rung")
        if (before == "learns") != (fitted.rung == "learns"):
            raise ConfigurationError(
                f"{self.folder.path}: the run was trained at rung {before} and cannot go on at "
                f"rung {fitted.rung}: one state lies on the chip, the other on the host. Keep "
                "chip.rung, or start a new run with training.initial: {from: run}"
            )

    def judge(self, differences: Sequence[str]) -> None:
        """ConfigurationError where there are differences, and they are not meant."""
        if differences and not self.accepted:
            raise ConfigurationError(
                f"{self.folder.path} cannot go on exactly, since this differs:\n"
                + "\n".join(f"  {difference}" for difference in differences)
                + "\nNothing was energised. Restore what it was, or go on all the same with "
                "--accept-changes"
            )


def resumption(
    path: Path,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    *,
    chip_file: str | Path | None = None,
    accept_changes: bool = False,
) -> Resumption:
    """All that can be judged before the chip is opened.

    Raises:
        ConfigurationError: the run is at its end, or a change cannot be.
        RunStoreError: there is no run, it is damaged, or another process writes it.
    """
    drivers = SettingsOfDrivers(chip_drivers())
    with open_run(path) as run:
        if writer_is_alive(run.path):
            raise RunStoreError(
                f"{run.path}: another process is writing this run. Wait until it ends, or stop it"
            )
        if run.reference:
            raise ConfigurationError(
                f"{run.path} is a reference ({run.reference}) and cannot be resumed. Start a new "
                "one with mgd-lab reference, which may begin where this one ended "
                "(training.initial: {from: run})"
            )
        memory = run.state() or None
        if memory is not None and "book.due" not in memory:
            raise ConfigurationError(
                f"{run.path} was made by an earlier MGD Lab, whose checkpoints do not hold all "
                "that a run needs to go on exactly. Start a new run, which may begin where this "
                "one ended (training.initial: {from: run})"
            )
        before = experiment_from_mapping(
            run.experiment, drivers=drivers, origin=str(run.path / "resolved.json")
        )
        now = amended_experiment(
            run.experiment,
            drivers=drivers,
            overrides=overrides,
            chip_file=chip_file,
            origin=str(run.path / "resolved.json"),
        )
        differences = _judged_keys(before, now)
        if memory is not None:
            _check_open_end(run, now, memory)
        found = Resumption(
            folder=RunFolder(run.path),
            experiment=now,
            changed=resolved_mapping(now) != run.experiment,
            memory=memory,
            counters=run.counters,
            environment=run.environment,
            accepted=accept_changes,
            differences=differences,
        )
    if differences and not accept_changes:
        # The chip is not even opened.
        found.judge(differences)
    return found


def _judged_keys(before: Experiment, now: Experiment) -> tuple[str, ...]:
    """Keys that differ and need to be accepted; ConfigurationError for those that cannot."""
    was, is_now = _flat(resolved_mapping(before)), _flat(resolved_mapping(now))
    changed = [key for key in {**was, **is_now} if was.get(key) != is_now.get(key)]
    refused = [key for key in changed if not _among(key, (*_FREE, *_ACCEPTABLE))]
    if refused:
        raise ConfigurationError(
            f"{', '.join(refused)}: what was measured so far could not be gone on with. Start a "
            "new run, which may begin where this one ended (training.initial: {from: run})"
        )
    return tuple(
        f"{key}: was {_text(was.get(key))}, is {_text(is_now.get(key))}"
        for key in changed
        if not _among(key, _FREE)
    )


def _check_open_end(run: Run, experiment: Experiment, memory: Mapping[str, NDArray[Any]]) -> None:
    """A run that has ended goes on only where `stop` has been moved."""
    final = str(run.checkpoints().final[-1])
    if final not in _ENDS:
        return
    stop, counters = experiment.stop, run.counters
    _, _, cost, accuracy = memory["book.last_evaluation"].tolist()
    for key, limit, reached in (
        ("steps", stop.steps, counters.steps),
        ("updates", stop.updates, counters.updates),
        ("probes", stop.probes, counters.probes),
        ("seconds", stop.seconds, float(memory["book.seconds"])),
    ):
        if limit is not None and reached >= limit:
            raise ConfigurationError(
                f"{run.path} has ended ({final.replace('_', ' ')}): {reached:,.7g} of {limit:,.7g} "
                f"{key} are done. Lengthen it with --set stop.{key}=…"
            )
    reached_cost = stop.cost_below is not None and cost < stop.cost_below
    reached_accuracy = stop.accuracy_at_least is not None and accuracy >= stop.accuracy_at_least
    if reached_cost or reached_accuracy:
        key = "cost_below" if reached_cost else "accuracy_at_least"
        raise ConfigurationError(
            f"{run.path} has ended: its target is reached (cost {cost:.4g}, accuracy "
            f"{accuracy:.4g}). Move the target with --set stop.{key}=…"
        )


def _arithmetic(environment: Mapping[str, Any]) -> dict[str, Any]:
    """What the bits of a result depend on."""
    kept = {key: environment.get(key) for key in _ARITHMETIC}
    return {**kept, "numpy": _get(environment, "packages", "numpy")}


def _differing(prefix: str, before: Any, now: Any) -> list[str]:
    if not isinstance(before, Mapping) or not isinstance(now, Mapping):
        return []
    was, is_now = _flat(cast("Mapping[str, Any]", before)), _flat(cast("Mapping[str, Any]", now))
    return [
        f"{prefix}{key}: was {_text(was.get(key))}, is {_text(is_now.get(key))}"
        for key in {**was, **is_now}
        if was.get(key) != is_now.get(key)
    ]


def _flat(mapping: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted key → value; an empty mapping stands for itself."""
    flat: dict[str, Any] = {}
    for key, value in mapping.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(cast("Mapping[str, Any]", value), f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _among(key: str, prefixes: Iterable[str]) -> bool:
    return any(key == prefix or key.startswith(f"{prefix}.") for prefix in prefixes)


def _get(mapping: Mapping[str, Any], *keys: str) -> Any:
    value: Any = mapping
    for key in keys:
        value = cast("Mapping[str, Any]", value).get(key) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
