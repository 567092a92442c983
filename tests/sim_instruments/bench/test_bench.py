"""A chip file's mappings become instruments around one chip, in a VISA library."""

from __future__ import annotations

import threading
import time

import pytest
import pyvisa

from mgd_lab.chip.bench_time import TimedLibrary
from mgd_lab.errors import ConfigurationError
from sim_instruments.bench.bench import EXCHANGE_SECONDS


class Host:
    """Plain VISA sessions with the instruments of a bench."""

    def __init__(self, bench, *resources):
        manager = pyvisa.ResourceManager(bench.library())
        self.sessions = [
            manager.open_resource(name, read_termination="\n", write_termination="\n")
            for name in resources
        ]

    def __enter__(self):
        return self.sessions

    def __exit__(self, *_):
        for session in self.sessions:
            session.close()


def test_voltages_on_one_box_give_what_is_read_on_another(lab):
    bench = lab.bench()
    with Host(bench, lab.SOURCE, lab.DMM) as (source, dmm):
        for command in ("VOLT1 0.75", "VOLT2 -0.5", "VOLT3 1"):  # w = 1.5, b = 0.5, x = 1
            source.write(command)
        dmm.write("CONF:VOLT:DC 10;:VOLT:NPLC 0.02;ZERO:AUTO OFF;:TRIG:DEL 0")
        assert float(dmm.query("READ?")) == (2.0 - 1.0) / 0.5
        source.write("OFF")
    assert set(bench.world.levels().values()) == {None}
    assert bench.world.driven("source", "1") == 2


def test_a_reading_too_early_is_wrong(lab):
    bench = lab.bench(simulated={"time_constant_seconds": 0.01})
    with Host(bench, lab.SOURCE, lab.DMM) as (source, dmm):
        dmm.write("CONF:VOLT:DC 10;:VOLT:NPLC 0.02;ZERO:AUTO OFF;:TRIG:DEL 0")
        source.write("VOLT2 -0.5")
        early = float(dmm.query("READ?"))
        bench.time.wait(0.2)
        late = float(dmm.query("READ?"))
    assert late == -1.0
    assert -2.0 < early < -1.8


def test_every_exchange_and_every_reading_takes_time(lab):
    bench = lab.bench()
    started = time.monotonic()
    with Host(bench, lab.DMM) as (dmm,):
        dmm.write("CONF:VOLT:DC 10;:VOLT:NPLC 100;ZERO:AUTO OFF;:TRIG:DEL 0;:SAMP:COUN 1000")
        dmm.query("READ?")
    assert bench.time.now() == pytest.approx(2000 + 2 * EXCHANGE_SECONDS)
    assert time.monotonic() - started < 60


def test_a_list_that_steps_by_itself_triggers_the_meter(lab):
    bench = lab.bench()
    with Host(bench, lab.SOURCE, lab.DMM) as (source, dmm):
        dmm.write("CONF:VOLT:DC 10;:VOLT:NPLC 0.02;ZERO:AUTO OFF;:TRIG:DEL 0.001")
        dmm.write("TRIG:SOUR EXT;COUN 4;:INIT")
        source.write("LIST 2,0.005,0,-0.5,-1,0.25")
        assert dmm.query("FETC?").split(",") == [f"{2 * (b - 1):+.8E}" for b in (0, 0.5, 1, -0.25)]


def test_tasks_together_take_as_long_as_the_slowest(lab):
    bench = lab.bench()
    with Host(bench, lab.SOURCE, lab.DMM) as (source, dmm):
        dmm.write("CONF:VOLT:DC 10;:VOLT:NPLC 100;ZERO:AUTO OFF;:TRIG:DEL 0")
        before = bench.time.now()
        bench.time.together([lambda: dmm.query("READ?"), lambda: source.write("VOLT1 1")])
        assert bench.time.now() - before == pytest.approx(2 + EXCHANGE_SECONDS)


def test_an_instrument_that_is_switched_off(lab):
    bench = lab.bench()
    with Host(bench, lab.SOURCE, lab.DMM) as (source, dmm):
        source.write("VOLT2 -1")
        assert bench.world.level("source", "2") == -1
        bench.cores["source"].switch_off()
        source.write("VOLT2 -1")
        assert bench.world.level("source", "2") is None
        with pytest.raises(pyvisa.VisaIOError, match="TMO"):
            source.query("*IDN?")
        assert float(dmm.query("MEAS:VOLT:DC? 10")) == -2.0


def test_the_chip_can_compute_its_cost(lab):
    cost = {"from": "instrument", "instrument": "dmm", "channel": "1", "gain": 2.0,
            "targets": [{"instrument": "source", "channel": "4", "low": 0, "high": 1}]}  # fmt: skip
    bench = lab.bench(cost=cost, outputs=[])
    with Host(bench, lab.SOURCE, lab.DMM) as (source, dmm):
        source.write("VOLT4 2")
        source.write("VOLT2 -5")
        assert float(dmm.query("MEAS:VOLT:DC? 10")) == pytest.approx((5 - 2) ** 2 / 2)


def test_imperfections_and_noise_are_the_bench_seeds(lab):
    def readings(seed):
        noise = {"read_noise": {"outputs": 0.1}}
        bench = lab.bench(simulated={"imperfections": noise, "seed": seed, "noise": 1})
        with Host(bench, lab.DMM) as (dmm,):
            dmm.write("CONF:VOLT:DC 10;:SAMP:COUN 20")
            return dmm.query("READ?")

    assert readings(1) == readings(1)
    assert readings(1) != readings(2)
    assert len(set(readings(1).split(","))) == 20


def test_virtual_time_comes_with_the_library(lab):
    library = lab.bench().visa_library()
    assert isinstance(library, TimedLibrary)
    real = lab.bench(simulated={"time": "real"}).visa_library()
    assert not isinstance(real, TimedLibrary)


def test_in_real_time_a_slow_meter_stops_nobody(lab):
    bench = lab.bench(simulated={"time": "real"})
    done = []
    with Host(bench, lab.SOURCE, lab.DMM) as (source, dmm):
        dmm.write("CONF:VOLT:DC 10;:VOLT:NPLC 10;ZERO:AUTO OFF;:TRIG:DEL 0")

        def slow():
            dmm.query("READ?")
            done.append("meter")

        thread = threading.Thread(target=slow)
        thread.start()
        source.query("*IDN?")
        done.append("source")
        thread.join()
    assert done == ["source", "meter"]


def test_what_cannot_be_simulated(lab):
    with pytest.raises(ConfigurationError, match=r"instruments\.dmm\.driver.*source"):
        type(lab.bench())(lab.mapping(), {"source": lab.BUILDERS["source"]})
    two = {"network": {"layers": [2, 1]}}
    with pytest.raises(ConfigurationError, match=r"parameters: 2 are wired.* has 3"):
        lab.bench(simulated=two)
    cost = {"from": "instrument", "instrument": "dmm", "channel": "1"}
    with pytest.raises(ConfigurationError, match=r"cost\.targets"):
        lab.bench(cost=cost, outputs=[])
