"""Initial parameters: drawn by the seed, or taken from a file, a run or the chip."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from mgd_lab.bench.by_group import by_group
from mgd_lab.chip import Chip, ChipDescription, HoldsParameters
from mgd_lab.codes import Stream, normals, uniforms
from mgd_lab.errors import CapabilityError, ConfigurationError
from mgd_lab.experiment import Initial
from mgd_lab.run_store import open_run

Float64 = NDArray[np.float64]


def initial_parameters(initial: Initial, seed: int, chip: Chip) -> Float64:
    """θ at step 0, float64 (P,), all finite."""
    count = chip.description.parameters
    if initial.source is None:
        return drawn_parameters(initial, seed, chip.description)
    if initial.source == "chip":
        if not isinstance(chip, HoldsParameters):
            raise CapabilityError(
                f"training.initial.from: chip needs a chip whose parameters can be read back; "
                f"{chip.description.name!r} lacks the capability HoldsParameters"
            )
        return _checked(chip.read_parameters(), count, f"chip {chip.description.name!r}")
    path = initial.path
    if path is None:
        raise ConfigurationError(f"training.initial.from: {initial.source} needs a path")
    if initial.source == "file":
        return _checked(_read(path), count, str(path))
    with open_run(path) as run:
        state = run.state()
        if "theta" not in state:
            raise ConfigurationError(
                f"training.initial.path: run {path} ended before its first checkpoint and holds no "
                "parameters"
            )
        finish = run.experiment.get("training", {}).get("finish", "last")
    kept = "best.theta" if finish == "best" and "best.theta" in state else "theta"
    return _checked(np.asarray(state[kept]), count, f"run {path}")


def drawn_parameters(initial: Initial, seed: int, description: ChipDescription) -> Float64:
    """θ (P,) from the distribution that `initial` names."""
    count = description.parameters

    def numbers(key: str) -> Float64 | float:
        value = getattr(initial, key)
        if not isinstance(value, Mapping):
            return float(value)
        groups = cast("Mapping[str, float]", value)
        return by_group(groups, description, f"training.initial.{key}")

    if initial.distribution == "uniform":
        unit = uniforms(seed, Stream.INITIAL_VALUES, 0, count)
        low, high = numbers("low"), numbers("high")
        if np.any(np.greater(low, high)):
            name = description.parameter_names[int(np.argmax(np.greater(low, high)))]
            raise ConfigurationError(
                f"training.initial.low is above training.initial.high for {name} and its group"
            )
        return low + (high - low) * unit
    drawn = normals(seed, Stream.INITIAL_VALUES, 0, count)
    return numbers("mean") + numbers("standard_deviation") * drawn


def _read(path: Path) -> Float64:
    try:
        with warnings.catch_warnings():
            # An empty file, or complex numbers, would otherwise pass with a warning.
            warnings.simplefilter("error")
            if path.suffix == ".npy":
                return np.asarray(np.load(path, allow_pickle=False), np.float64)
            if path.suffix == ".npz":
                with np.load(path, allow_pickle=False) as arrays:
                    return np.asarray(arrays["theta"], np.float64)
            return np.loadtxt(path, delimiter=",", ndmin=1).ravel()
    # NumPy raises errors of many kinds for a file that is damaged.
    except Exception as error:
        raise ConfigurationError(
            f"training.initial.path: {path} gives no parameters: {error}. Expected .npy, .npz with "
            "an array theta, or text with one number a parameter"
        ) from error


def _checked(theta: Float64, count: int, where: str) -> Float64:
    if theta.shape != (count,):
        raise ConfigurationError(
            f"training.initial: {where} holds parameters of shape {theta.shape}; the chip has "
            f"{count} parameters"
        )
    if not np.isfinite(theta).all():
        raise ConfigurationError(f"training.initial: {where} holds parameters that are no numbers")
    return theta.astype(np.float64)
