"""PyTorch, found when it is needed: device, precision and threads."""

from __future__ import annotations

import importlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from mgd_lab.errors import ConfigurationError, MissingExtraError
from mgd_lab.experiment import Reference

# PyTorch types its own functions only in part; what comes from it is Any here.
Torch = Any
Tensor = Any


def load_torch() -> Torch:
    """The module `torch`; MissingExtraError where it is not installed."""
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise MissingExtraError("mgd-lab reference", "PyTorch", "torch") from error


def device_of(torch: Torch, settings: Reference) -> str:
    """Name "cpu" or "cuda"; ConfigurationError where a GPU is asked for and PyTorch finds none."""
    found = bool(torch.cuda.is_available())
    if settings.device == "cuda" and not found:
        raise ConfigurationError(
            "reference.device: cuda asks for a GPU, and PyTorch finds none here; take device: cpu, "
            "or install a PyTorch that is built for your GPU"
        )
    if settings.device == "auto":
        return "cuda" if found else "cpu"
    return settings.device


def device_name(torch: Torch, device: str) -> str:
    """The GPU's name; "" for the processor, which the run's environment names anyway."""
    return str(torch.cuda.get_device_name()) if device == "cuda" else ""


@contextmanager
def threads(torch: Torch, count: int | None) -> Generator[int]:
    """So many threads of the processor while the block runs; None changes nothing."""
    before = int(torch.get_num_threads())
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield int(torch.get_num_threads())
    finally:
        torch.set_num_threads(before)
