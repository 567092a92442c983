import json
import subprocess

import numpy as np

from mgd_lab.run_store import environment_record


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True)


def test_it_names_versions_and_arithmetic():
    record = environment_record(argv=["mgd-lab", "run"])
    assert record["packages"]["numpy"] == np.__version__
    assert record["numpy_cpu_features"]["baseline"]
    assert record["argv"] == ["mgd-lab", "run"]
    assert record["git"] is None
    assert json.loads(json.dumps(record)) == record


def test_git_state_of_the_experiment(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "a.yaml").write_text("a: 1\n")
    git(tmp_path, "add", "a.yaml")
    git(tmp_path, "commit", "-q", "-m", "a")
    clean = environment_record(tmp_path)["git"]
    (tmp_path / "a.yaml").write_text("a: 2\n")
    changed = environment_record(tmp_path)["git"]
    assert (clean["dirty"], changed["dirty"]) == (False, True)
    assert clean["commit"] == changed["commit"]
    assert len(clean["commit"]) == 40


def test_it_never_fails(tmp_path, monkeypatch):
    assert environment_record(tmp_path / "missing")["git"] is None
    monkeypatch.setenv("PATH", "")
    assert environment_record(tmp_path)["git"] is None
