"""The shipped board with its supply: trained, and failed in the middle, from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

import mgd_lab
import mgd_lab.bench.simulated_link as composition
from mgd_lab.bench.checking import check
from mgd_lab.bench.serving import Places, served
from mgd_lab.cli.app import app
from sim_instruments.bench.beside import Beside

CONFIGS = Path(__file__).parents[2] / "configs"
BOARD = CONFIGS / "bench_board.yaml"


@dataclass
class Ended:
    """A run, and the supply that it left behind."""

    code: int
    error: str
    told: str
    level: float | None


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the shipped experiment; `act` happens at the supply's first readings of the current."""

    def with_fault(act, *settings):
        kept: list[Beside] = []

        class Watched(Beside):
            def __init__(self, *arguments, **keys):
                super().__init__(*arguments, **keys)
                kept.append(self)
                smu = self.cores["smu"]
                respond, readings = smu.respond, []

                def noticed(message):
                    if message.startswith(b"READ?"):
                        readings.append(message)
                        if len(readings) == 2:
                            act(self)
                    return respond(message)

                monkeypatch.setattr(smu, "respond", noticed)

        monkeypatch.setattr(composition, "Beside", Watched)
        arguments = [part for setting in settings for part in ("--set", setting)]
        result = CliRunner().invoke(
            app,
            [
                *("run", str(BOARD), "--runs-dir", str(tmp_path)),
                *("--set", "logging.telemetry_every_seconds=0.05"),
                *("--set", "chip.retries={per_block: 1, backoff_seconds: 0}"),
                *arguments,
            ],
        )
        (beside,) = kept
        level = beside.world.level("smu", "1")
        return Ended(result.exit_code, " ".join(result.stderr.split()), result.stdout, level)

    return with_fault


@pytest.mark.parametrize("rung", ["generated", "learns"])
def test_it_trains_parity(tmp_path, rung):
    changes = {"chip.rung": rung, "logging.costs": "none" if rung == "learns" else "all"}
    result = mgd_lab.run(mgd_lab.load_experiment(BOARD, changes), runs_dir=tmp_path)
    assert result.simulated
    assert result.status == "target_reached"
    assert result.cost < 0.04
    with mgd_lab.open_run(result.path) as opened:
        telemetry = opened.telemetry()
        events = opened.events().kind.tolist()
    currents = telemetry.value[telemetry.name == "vdda_current"]
    assert currents == pytest.approx(0.002, rel=1e-3)
    assert events == ["armed", "made_safe"]


def test_it_trains_to_the_same_parameters_as_a_chip_in_this_process(tmp_path):
    found = []
    for chip in ("bench_board", "parity2_emulated"):
        changes = {"stop": {"steps": 300}, "guards": {}}
        loaded = mgd_lab.load_experiment(
            BOARD, changes, chip_file=CONFIGS / "chips" / f"{chip}.yaml"
        )
        result = mgd_lab.run(loaded, runs_dir=tmp_path)
        with mgd_lab.open_run(result.path) as opened:
            found.append(opened.parameters().theta[-1].tobytes())
    assert found[0] == found[1]


def test_a_supply_that_trips(run):
    ended = run(lambda beside: beside.world.set_load("smu", "1", 100.0), "guards={}")
    assert ended.code == 3
    assert "smu: its output is in compliance at 0.004 A" in ended.error
    assert "could not be verified" not in ended.error
    assert ended.level is None


def test_a_current_that_leaves_its_window(run):
    ended = run(lambda beside: beside.world.set_load("smu", "1", 320.0))
    assert ended.code == 3
    assert (
        "telemetry channel vdda_current reads 0.00374999 A, outside its window [0.001, 0.0035] A"
        in ended.error
    )
    assert ended.level is None


def test_a_supply_that_is_switched_off(run):
    ended = run(lambda beside: beside.cores["smu"].switch_off(), "chip.timeout_seconds=0.5")
    assert ended.code == 3
    assert "could not be verified" in ended.error
    assert ended.level is None


def test_board_and_supply_are_served(tmp_path):
    chip_file = CONFIGS / "chips" / "bench_board.yaml"
    with served(chip_file, Places(tcp=0, serial=tmp_path / "board")) as resources:
        scpi, board, supply = resources
        assert scpi.startswith("TCPIP")
        assert supply.startswith("TCPIP")
        text = chip_file.read_text()
        head, _, _ = text.partition("simulated:")
        own = (
            head.replace('visa_library: "@sim"', 'visa_library: "@py"')
            .replace("/dev/ttyACM0", board)
            .replace("TCPIP0::supply.lab::5025::SOCKET", supply)
        )
        (tmp_path / "chip.yaml").write_text(own)
        loaded = mgd_lab.load_experiment(
            BOARD, {"stop": {"steps": 50}}, chip_file=tmp_path / "chip.yaml"
        )
        # The board says that it is simulated; its supply may be none the less a real one.
        report = check(loaded, runs_dir=tmp_path / "runs")
        assert report.seconds_from != "a short rehearsal on the simulated chip"
        result = mgd_lab.run(loaded, runs_dir=tmp_path / "runs")
    assert result.status == "finished"
    assert result.counters.steps == 50
