"""MGD Lab trains physical neural-network chips in the loop, by multiplexed gradient descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mgd_lab.version import __version__

if TYPE_CHECKING:
    from mgd_lab.bench import RunResult, load_experiment, resume, run
    from mgd_lab.controller import PauseControl
    from mgd_lab.replay import ReplayReport, replay_run
    from mgd_lab.run_store import Run, open_run

__all__ = [
    "PauseControl",
    "ReplayReport",
    "Run",
    "RunResult",
    "__version__",
    "load_experiment",
    "open_run",
    "replay_run",
    "resume",
    "run",
]

_HOME = {
    "PauseControl": "mgd_lab.controller",
    "RunResult": "mgd_lab.bench",
    "load_experiment": "mgd_lab.bench",
    "resume": "mgd_lab.bench",
    "run": "mgd_lab.bench",
    "ReplayReport": "mgd_lab.replay",
    "replay_run": "mgd_lab.replay",
    "Run": "mgd_lab.run_store",
    "open_run": "mgd_lab.run_store",
}


def __getattr__(name: str) -> Any:
    # Looked up on first use, so that a part (mgd_lab.codes, say) can be imported without the rest.
    import importlib

    if name not in _HOME:
        raise AttributeError(f"module 'mgd_lab' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
