import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mgd_lab.errors import ConfigurationError, RunStoreError
from mgd_lab.run_store import RunFolder, create_run, open_run

NOON = datetime(2025, 1, 31, 12, 0, 5, tzinfo=UTC)


def test_the_name_holds_the_utc_time(make_run):
    assert make_run(started=NOON).path.name == "parity2-20250131-120005"
    assert re.fullmatch(r"parity2-\d{8}-\d{6}", make_run().path.name)


def test_a_taken_name_gets_a_suffix(make_run):
    names = [make_run(started=NOON).path.name for _ in range(3)]
    assert names == [f"parity2-20250131-120005{suffix}" for suffix in ("", "-2", "-3")]


@pytest.mark.parametrize(
    ("name", "stem"),
    [("../../etc", "etc"), ("my run/2", "my-run-2"), ("", "run"), ("..", "run"), ("é", "run")],
)
def test_names_are_made_safe_for_a_file_system(make_run, tmp_path, name, stem):
    folder = make_run(name, started=NOON)
    assert folder.path == tmp_path / "runs" / f"{stem}-20250131-120005"
    with open_run(folder.path) as run:
        assert run.name == name


def test_files_are_kept_as_given_and_documents_are_strict_json(make_run):
    folder = make_run(resolved={"high": float("inf"), "seed": 3})
    assert (folder.path / "experiment.yaml").read_text() == "name: parity2  # as given\n"
    with open_run(folder.path) as run:
        assert run.experiment == {"high": "inf", "seed": 3}
        assert run.environment == {"python": "3"}
        assert run.simulated is True
    text = (folder.path / "resolved.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail)["seed"] == 3


def test_a_runs_dir_that_is_a_file_is_a_configuration_error(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(ConfigurationError, match=r"runs: .*Nothing was energised.*--runs-dir"):
        _create(tmp_path / "runs")


def test_an_unwritable_runs_dir_is_a_configuration_error():
    # Nobody can make a folder in /proc, not even root.
    with pytest.raises(ConfigurationError, match=r"/proc/runs: "):
        _create(Path("/proc/runs"))


def test_nothing_is_left_of_a_run_that_could_not_be_created(tmp_path, monkeypatch):
    def no_space(path, meta):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mgd_lab.run_store.folder.create_log", no_space)
    with pytest.raises(ConfigurationError, match="No space left"):
        _create(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", ["../x.yaml", "log.sqlite", "summary.json", ".hidden"])
def test_files_cannot_take_our_names_or_leave_the_folder(make_run, file):
    with pytest.raises(ConfigurationError, match="cannot hold a file named"):
        make_run(files={file: ""})


def test_finish_replaces_the_summary_whole(make_run):
    folder = make_run()
    folder.finish({"status": "finished", "cost": 0.5})
    folder.finish({"status": "finished", "cost": float("nan")})
    with open_run(folder.path) as run:
        assert run.summary == {"status": "finished", "cost": "nan"}
    assert not list(folder.path.glob(".*"))


def test_finish_in_a_folder_that_is_gone_is_a_run_store_error(tmp_path):
    with pytest.raises(RunStoreError, match=r"summary\.json: No such file"):
        RunFolder(tmp_path / "gone").finish({})


def _create(runs_dir: Path) -> RunFolder:
    return create_run(runs_dir, "parity2", files={}, resolved={}, environment={}, simulated=False)
