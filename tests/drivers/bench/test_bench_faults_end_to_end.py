"""An instrument fails in the middle of a block of a whole run; then what it left is looked at."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

import mgd_lab.bench.simulated_bench as composition
from mgd_lab.cli.app import app
from sim_instruments.bench.bench import Bench

CONFIGS = Path(__file__).parents[3] / "configs"
TIMINGS = pytest.mark.parametrize("timing", ["software", "hardware"])
MIDDLE = 0.33
"""Seconds on the bench's clock at which a block is being measured."""


@pytest.fixture(autouse=True)
def _installed():
    """The instruments that are really installed, not this folder's fakes."""


@dataclass
class Ended:
    """A run, and the bench that it left behind."""

    code: int
    error: str
    bench: Bench

    def levels(self, *instruments: str) -> set[float | None]:
        found = self.bench.world.levels()
        return {level for (name, _), level in found.items() if name in instruments}

    def tells(self, name: str, query: bytes) -> bytes:
        return self.bench.cores[name].respond(query + b"\n").strip()


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a shipped bench on which `act` happens in the middle of a block."""

    def with_fault(config, timing, act, **changes: Any) -> Ended:
        kept: list[Bench] = []

        class Watched(Bench):
            def __init__(self, *arguments):
                super().__init__(*arguments)
                kept.append(self)
                self.world.clock.later(MIDDLE, lambda: act(self))

        monkeypatch.setattr(composition, "Bench", Watched)
        changes |= {
            "stop": "{steps: 256}", "evaluate.every_steps": "256", "chip.timing": timing,
            "chip.retries": "{per_block: 1, backoff_seconds: 0.0}",
        }  # fmt: skip
        settings = [part for key, text in changes.items() for part in ("--set", f"{key}={text}")]
        arguments = ["run", str(CONFIGS / f"{config}.yaml"), "--runs-dir", str(tmp_path)]
        result = CliRunner().invoke(app, [*arguments, *settings])
        (bench,) = kept
        return Ended(result.exit_code, " ".join(result.stderr.split()), bench)

    return with_fault


def all_off(ended: Ended, config: str) -> bool:
    """As the terminals are driven, and as the instruments themselves say."""
    if ended.levels("awg") != {None} or ended.tells("awg", b"OUTP1?;:OUTP2?") != b"0;0":
        return False
    if config == "bench_qdac":
        told = ended.tells("dac", b"SOUR:VOLT:LAST? (@1,2,3,4,5,6,7,8,9)").split(b",")
        return ended.levels("dac") == {0.0} and {float(level) for level in told} == {0.0}
    units = [f"smu{k}" for k in range(1, 6)]
    switches = b"print(smua.source.output + smub.source.output)"
    return ended.levels(*units) == {None} and all(
        float(ended.tells(unit, switches)) == 0 for unit in units
    )


@TIMINGS
@pytest.mark.parametrize("config", ["bench_qdac", "bench_smu"])
def test_without_a_fault_all_is_well(run, config, timing):
    ended = run(config, timing, lambda bench: None)
    assert (ended.code, ended.error) == (0, "")
    assert all_off(ended, config)


@TIMINGS
def test_compliance_that_trips(run, timing):
    ended = run("bench_smu", timing, lambda bench: bench.world.set_load("smu3", "smua", 100.0))
    assert ended.code == 3
    assert "smu3: " in ended.error
    assert "in compliance at 0.001 A" in ended.error
    assert all_off(ended, "bench_smu")


def last_unit(driver, resource):
    """Changes that put another instrument in the place of the last 2602B."""
    chip = YAML(typ="safe").load(CONFIGS / "chips" / "bench_smu.yaml")
    chip["parameters"][-1] |= {"channels": ["1"]}
    unit = {
        "driver": driver, "resource": resource, "source_range": 20.0, "compliance": 0.001,
        "nplc": 0.01,
    }  # fmt: skip
    return {
        "chip.instruments.smu5": json.dumps(unit),
        "chip.parameters": json.dumps(chip["parameters"]),
    }


def a_short_while(name, channel):
    """A load of 100 Ω for a few probes of a block, and not at its last."""

    def act(bench):
        bench.world.set_load(name, channel, 100.0)
        bench.world.clock.later(0.02, lambda: bench.world.set_load(name, channel, 1e6))

    return act


@pytest.mark.parametrize(
    ("timing", "changes", "channel"),
    [
        ("software", {}, "smua"),
        ("hardware", {}, "smua"),
        ("software", last_unit("keithley_2400", "GPIB0::15::INSTR"), "1"),
        ("software", last_unit("keithley_2450", "TCPIP0::smu5.lab::5025::SOCKET"), "1"),
    ],
)
def test_compliance_in_the_middle_of_a_block_only(run, timing, changes, channel):
    ended = run("bench_smu", timing, a_short_while("smu5", channel), **changes)
    assert ended.code == 3
    told = "was" if timing == "software" else "were"
    assert re.search(rf"smu5: .* {told} in compliance at 0\.001 A", ended.error)
    assert ended.levels("awg", *(f"smu{k}" for k in range(1, 6))) == {None}


@TIMINGS
def test_a_current_that_the_software_watches(run, timing):
    ended = run("bench_qdac", timing, lambda bench: bench.world.set_load("dac", "3", 300.0))
    assert ended.code == 3
    assert "dac: channel 3: " in ended.error
    assert "beyond the limit of 0.001 A" in ended.error
    assert all_off(ended, "bench_qdac")


class Drifting:
    """A chip whose outputs drift away from a moment on."""

    def __init__(self, bench, volts_per_second):
        self.chip, self.clock = bench.world._chip, bench.world.clock
        self.speed, self.since = volts_per_second, bench.world.clock.now()

    def outputs(self, parameters, inputs):
        drift = self.speed * (self.clock.now() - self.since)
        return self.chip.outputs(parameters, inputs) + drift


def drift(volts_per_second):
    def act(bench):
        bench.world._chip = Drifting(bench, volts_per_second)
        bench.world._repeatable, bench.world._kept = False, None

    return act


@TIMINGS
@pytest.mark.parametrize(
    ("config", "speed"), [("bench_qdac", 1e6), ("bench_qdac", 20.0), ("bench_smu", 20.0)]
)
def test_an_output_that_leaves_the_meter_s_range(run, config, timing, speed):
    ended = run(config, timing, drift(speed))
    assert ended.code == 3
    assert "dmm" in ended.error
    assert "is 9.9e+37, an overflow" in ended.error
    assert all_off(ended, config)


def front_panel(name, message):
    return lambda bench: bench.cores[name].core.respond(message)


@TIMINGS
@pytest.mark.parametrize(
    ("config", "name", "message", "error"),
    [
        ("bench_smu", "smu3", b"smua.source.rangev = 0.1\n", "Parameter too"),
        ("bench_qdac", "awg", b"SOUR1:VOLT:LIM:HIGH 0.5\n", '-221,"Settings conflict"'),
    ],
)
def test_a_level_that_the_instrument_refuses(run, timing, config, name, message, error):
    ended = run(config, timing, front_panel(name, message))
    assert ended.code == 4
    assert name in ended.error
    assert error in ended.error
    assert all_off(ended, config)


@TIMINGS
def test_an_instrument_that_answers_data_out_of_range(run, timing):
    """The last SMU is a 2400, which speaks SCPI; somebody changes its range."""
    changes = last_unit("keithley_2400", "GPIB0::15::INSTR")
    act = front_panel("smu5", b"SOUR:VOLT:RANG 0.2\n")
    ended = run("bench_smu", timing, act, **changes)
    assert ended.code == 4
    assert '-222,"Parameter data out of range"' in ended.error
    assert ended.levels("awg", *(f"smu{k}" for k in range(1, 6))) == {None}
    assert ended.tells("smu5", b"OUTP?") == b"0"


@TIMINGS
@pytest.mark.parametrize(
    ("config", "name"), [("bench_qdac", "dac"), ("bench_qdac", "awg"), ("bench_smu", "smu1")]
)
def test_a_source_that_is_switched_off(run, config, name, timing):
    ended = run(config, timing, lambda bench: bench.cores[name].switch_off())
    assert ended.code == 3
    assert f"{name} (" in ended.error
    assert "could not be verified to be at its safe values" in ended.error
    sources = ["dac", "awg"] if config == "bench_qdac" else [f"smu{k}" for k in range(1, 6)]
    others = [each for each in (*sources, "awg") if each != name]
    assert ended.levels(*others) <= {None, 0.0}
    assert ended.levels(name) == {None}
    named = ended.error.partition("All others (")[2].partition(")")[0].split(", ")
    assert set(named) == set(others)


@TIMINGS
@pytest.mark.parametrize("config", ["bench_qdac", "bench_smu"])
def test_a_meter_that_is_switched_off(run, config, timing):
    ended = run(config, timing, lambda bench: bench.cores["dmm"].switch_off())
    assert ended.code == 3
    assert "dmm (TCPIP0::dmm.lab::5025::SOCKET): read timed out" in ended.error
    assert "could not be verified" not in ended.error
    assert all_off(ended, config)


@TIMINGS
def test_an_output_that_somebody_switches_off(run, timing):
    changes = {"chip.errors_every_blocks": "1"}
    ended = run(
        "bench_smu",
        timing,
        front_panel("smu5", b"smua.source.output = smua.OUTPUT_OFF\n"),
        **changes,
    )
    assert ended.code == 3
    assert "smu5" in ended.error
    assert all_off(ended, "bench_smu")
