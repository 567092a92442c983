"""What a run ran on: versions, machine, arithmetic, and the state of the experiment's folder."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from mgd_lab.version import __version__

_GIT_SECONDS = 5.0


def environment_record(
    experiment_folder: Path | None = None, *, argv: Sequence[str] | None = None
) -> dict[str, Any]:
    """All of it as a JSON-ready dict. Never fails: what cannot be found out is None.

    `experiment_folder` is where the experiment file lies; its git commit is recorded.
    `argv` is the command line, by default that of this process.
    """
    return {
        "mgd_lab": __version__,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "packages": package_versions(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "byte_order": sys.byteorder,
        "hostname": platform.node() or None,
        "cpu": cpu_model(),
        "cpu_count": os.cpu_count(),
        "numpy_cpu_features": numpy_cpu_features(),
        "git": None if experiment_folder is None else git_state(experiment_folder),
        "argv": [str(word) for word in (sys.argv if argv is None else argv)],
    }


def package_versions() -> dict[str, str]:
    """Versions of numpy and of all that MGD Lab may use, where installed."""
    names = {"numpy"}
    try:
        requirements = importlib.metadata.requires("mgd-lab") or []
    except importlib.metadata.PackageNotFoundError:
        requirements = []
    for requirement in requirements:
        match = re.match(r"[A-Za-z0-9._-]+", requirement)
        if match is not None and match[0] != "mgd-lab":
            names.add(match[0])
    versions: dict[str, str] = {}
    for name in sorted(names):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def cpu_model() -> str | None:
    """The processor's name, on Linux from /proc/cpuinfo."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    match = re.search(r"^model name\s*:\s*(.+)$", text, flags=re.MULTILINE)
    return match[1].strip() if match else platform.processor() or None


def numpy_cpu_features() -> dict[str, list[str]] | None:
    """Instruction sets that NumPy was built for (`baseline`) and dispatches to (`found`)."""
    configuration = cast(dict[str, Any], np.show_config(mode="dicts"))
    extensions = configuration.get("SIMD Extensions")
    if extensions is None:
        return None
    return {
        key: [str(feature) for feature in extensions.get(key, [])] for key in ("baseline", "found")
    }


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit of the folder's repository and whether the work tree differs; None without one."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    changes = _git(folder, "status", "--porcelain")
    return {"commit": commit.strip(), "dirty": None if changes is None else bool(changes.strip())}


def _git(folder: Path, *arguments: str) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    try:
        # The arguments are ours; a folder cannot become an option, since -C takes it.
        done = subprocess.run(  # noqa: S603
            [program, "-C", str(folder), *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_GIT_SECONDS,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
