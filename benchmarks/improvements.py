"""What options beyond the paper's algorithm gain, for the same number of probes.

    python benchmarks/improvements.py [digits|nist7x7|fashion_mnist|windows|bits] …

Every row of a table is one setting, which adds to the row that it names or stands alone. Each is
trained from `--seeds` starts (and splits) with each of its learning rates; the rate with the best
median on the validation split is reported on the test split, which chooses nothing. `±` is the 95 %
bootstrap interval of the median. All rows spend as many probes; evaluations are not among them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import mgd_lab

CONFIGS = Path(__file__).parents[1] / "configs"
_RESAMPLES = 10_000


@dataclass(frozen=True)
class Setting:
    """Overrides of the task's experiment, and the learning rates to choose from."""

    name: str
    changes: Mapping[str, Any]
    rates: Sequence[float]


@dataclass(frozen=True)
class Study:
    """Settings on one experiment file, with as many probes each."""

    config: str
    probes: int
    settings: Sequence[Setting]
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Row:
    """A setting at the learning rate that validation chose; accuracies in percent."""

    setting: str
    rate: float
    validation: float
    test: float
    low: float
    high: float
    tests: list[float]
    seconds: float


UPDATE, TIMES = "training.update", "training.time_constants"
SHARED = {f"{TIMES}.tau_x": 16}


def rule(name: str, *, cosine: bool = False, **more: Any) -> dict[str, Any]:
    """An update section; the decay lasts for the whole run."""
    schedule = {"schedule": {"kind": "cosine", "steps": "all"}} if cosine else {}
    return {UPDATE: {"rule": name, "scale": "mean", **schedule, **more}}


def ablation(
    window: int, layers: Mapping[str, float], rates: Mapping[str, Sequence[float]]
) -> list[Setting]:
    """The paper's update, and what is added to it."""
    each = {f"{TIMES}.tau_x": 1}
    together = {**each, "training.batch": 16, f"{TIMES}.tau_theta": window // 16}
    adam = rule("adam", cosine=True)
    sgd = rule("sgd", cosine=True)
    length = rule("sgd", cosine=True, compensate=True)
    rows = [
        ("sgd", {**each, **rule("sgd")}, "sgd"),
        ("momentum", {**each, **rule("momentum")}, "momentum"),
        ("adam", {**each, **rule("adam")}, "adam"),
        ("adam, cosine", {**each, **adam}, "adam"),
        ("adam, cosine, batch of 16 under one code", {**together, **adam}, "adam"),
        ("adam, cosine, tau_x 16", {**SHARED, **adam}, "adam"),
        ("… paired", {**SHARED, **adam, "training.baseline": "paired"}, "adam"),
        ("… clamp 4", {**SHARED, **rule("adam", cosine=True, clamp=4.0)}, "adam"),
        ("… clamp 2.5", {**SHARED, **rule("adam", cosine=True, clamp=2.5)}, "adam"),
        (
            "… amplitude by layer",
            {**SHARED, **adam, "training.perturbation.amplitude": dict(layers)},
            "adam",
        ),
        ("sgd, cosine, tau_x 16", {**SHARED, **sgd}, "sgd"),
        ("… compensate", {**SHARED, **length}, "compensate"),
    ]
    return [Setting(name, changes, rates[key]) for name, changes, key in rows]


def _windows() -> list[Setting]:
    """One learning rate through windows of different lengths, with and without compensation."""
    return [
        Setting(
            f"tau_theta {window}, {'compensate' if compensate else 'plain'}",
            {
                **SHARED,
                f"{TIMES}.tau_theta": window,
                **rule("sgd", cosine=True, compensate=compensate),
            },
            [0.08 if compensate else 0.013],
        )
        for window in (16, 64, 256)
        for compensate in (False, True)
    ]


def _bits() -> list[Setting]:
    """θ on a grid of few bits over ±2, rounded and kept in each way; the perturbation is analog."""
    found = [Setting("analog", {}, [0.01])]
    for bits in (6, 4):
        limits = {
            "parameters": {
                "low": -2.0,
                "high": 2.0,
                "safe": 0.0,
                "resolution": 4.0 / 2**bits,
            },
            "on_update": "project",
        }
        for name, update in (
            ("nearest, float copy", {}),
            ("nearest, no copy", {"float_copy": False}),
            ("stochastic, float copy", {"rounding": "stochastic"}),
            ("stochastic, no copy", {"float_copy": False, "rounding": "stochastic"}),
        ):
            changes = {"chip.limits": limits, **rule("adam", cosine=True, **update)}
            found.append(Setting(f"{bits} bits, {name}", changes, [0.003, 0.01]))
    return found


DIGITS = ablation(
    64,
    {"weights1": 0.005, "biases1": 0.01, "weights2": 0.01, "biases2": 0.02},
    {
        "sgd": (0.004, 0.013, 0.04),
        "momentum": (0.0004, 0.0013, 0.004),
        "adam": (0.005, 0.01, 0.02),
        "compensate": (0.025, 0.08, 0.25),
    },
)
NIST = ablation(
    16,
    {"weights1": 0.03, "biases1": 0.05, "weights2": 0.05, "biases2": 0.1},
    {
        "sgd": (0.1, 0.3, 1.0),
        "momentum": (0.01, 0.03, 0.1),
        "adam": (0.003, 0.01, 0.03),
        "compensate": (0.3, 1.0, 3.0),
    },
)
STUDIES = {
    "digits": Study("digits", 100_000, DIGITS),
    "nist7x7": Study(
        "nist7x7", 100_000, NIST, {f"{TIMES}.tau_theta": 16, "task.split.validation": 0.1}
    ),
    "fashion_mnist": Study(
        "fashion_mnist", 100_000, DIGITS, {"evaluate.samples": 2000, "task.split.validation": 0.1}
    ),
    "windows": Study("digits", 100_000, _windows()),
    "bits": Study("digits", 100_000, _bits()),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("studies", nargs="*", default=["digits"], help=", ".join(STUDIES))
    parser.add_argument("--seeds", type=int, default=5, help="starts and splits of each setting")
    parser.add_argument("--probes", type=int, help="training probes of each run")
    parser.add_argument("--only", default="", help="settings whose name contains this")
    parser.add_argument("--json", type=Path, help="where the numbers are written")
    options = parser.parse_args()
    unknown = [name for name in options.studies if name not in STUDIES]
    if unknown:
        parser.error(f"no study {unknown[0]!r}; there are {', '.join(STUDIES)}")
    found: dict[str, Any] = {}
    for name in options.studies:
        study = STUDIES[name]
        probes = options.probes or study.probes
        print(f"\n{name}: {probes:,} probes a run, {options.seeds} seeds, accuracies in %\n")
        print(f"| {'setting':<42} | rate  | validation | test, 95 % interval | s/run |")
        print("| --- | --- | --- | --- | --- |")
        rows: list[dict[str, Any]] = []
        for setting in study.settings:
            if options.only in setting.name:
                row = measured(study, setting, probes, range(1, options.seeds + 1))
                print(
                    f"| {row.setting:<42} | {row.rate:<5g} | {row.validation:10.1f} "
                    f"| {row.test:.1f} [{row.low:.1f}, {row.high:.1f}]   | {row.seconds:5.1f} |",
                    flush=True,
                )
                rows.append(asdict(row))
        found[name] = {"probes": probes, "seeds": options.seeds, "rows": rows}
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def measured(study: Study, setting: Setting, probes: int, seeds: Sequence[int]) -> Row:
    """All runs of a setting; validation chooses the rate that is judged by the test split."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        runs = {
            rate: [_run(study, setting, rate, probes, seed, Path(folder)) for seed in seeds]
            for rate in setting.rates
        }
        validation = {
            rate: float(np.median([result.accuracy or 0.0 for result in results]))
            for rate, results in runs.items()
        }
        rate = max(validation, key=lambda each: validation[each])
        seconds = (time.perf_counter() - began) / (len(setting.rates) * len(seeds))
        tests = [
            100 * _test_accuracy(study, setting, result, seed, Path(folder))
            for result, seed in zip(runs[rate], seeds, strict=True)
        ]
    low, high = interval(np.array(tests))
    return Row(
        setting=setting.name,
        rate=rate,
        validation=100 * validation[rate],
        test=float(np.median(tests)),
        low=low,
        high=high,
        tests=tests,
        seconds=seconds,
    )


def _run(
    study: Study, setting: Setting, rate: float, probes: int, seed: int, folder: Path
) -> mgd_lab.RunResult:
    changes = {**study.changes, **setting.changes}
    section = dict(changes.pop(UPDATE, {}))
    overrides: dict[str, Any] = {
        "seed": seed,
        "evaluate.split": "validation",
        "evaluate.every_steps": 10 * probes,
        "logging.costs": "none",
        "chip.rung": "generated",
        **changes,
    }
    steps = _steps(study, overrides, probes)
    update = section or {"rule": "adam", "scale": "mean"}
    if update.get("schedule", {}).get("steps") == "all":
        update["schedule"] = {**update["schedule"], "steps": steps}
    overrides |= {UPDATE: {**update, "learning_rate": rate}, "stop": {"steps": steps}}
    return mgd_lab.run(_loaded(study, overrides), runs_dir=folder)


def _steps(study: Study, overrides: Mapping[str, Any], probes: int) -> int:
    """Steps of whole windows that spend so many probes."""
    training = _loaded(study, overrides).experiment.training
    times, batch = training.time_constants, training.batch
    window = int(times.tau_theta)
    baselines = window if training.baseline == "paired" else -(-window // times.tau_x)
    return probes // (batch * (window + baselines)) * window


def _test_accuracy(
    study: Study, setting: Setting, result: mgd_lab.RunResult, seed: int, folder: Path
) -> float:
    """Of a run's last parameters, by a run of one step that evaluates them first."""
    rounding = setting.changes.get(UPDATE, {}).get("rounding", "nearest")
    overrides = {
        **study.changes,
        **{key: value for key, value in setting.changes.items() if key.startswith("chip.")},
        f"{UPDATE}.rounding": rounding,
        "seed": seed,
        "evaluate.split": "test",
        "evaluate.samples": "all",
        "training.initial": {"from": "run", "path": str(result.path)},
        "stop": {"steps": 1},
    }
    path = mgd_lab.run(_loaded(study, overrides), runs_dir=folder).path
    if path is None:
        raise RuntimeError("a run that ended well has no folder")
    with mgd_lab.open_run(path) as run:
        return float(run.evaluations().accuracy[0])


def _loaded(study: Study, overrides: Mapping[str, Any]) -> Any:
    chip = CONFIGS / "chips" / f"{study.config}_emulated.yaml"
    return mgd_lab.load_experiment(
        CONFIGS / f"{study.config}.yaml", dict(overrides), chip_file=chip
    )


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """95 % bootstrap interval of the median, with a seed of its own."""
    draws = np.random.default_rng(0).choice(values, (_RESAMPLES, len(values)))
    low, high = np.percentile(np.median(draws, axis=1), [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    main()
