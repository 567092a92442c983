"""The log's size as `check` foretells it, against logs that were written."""

import numpy as np
import pytest

from mgd_lab.bench import check, checking
from mgd_lab.bench.chips import build_chip
from mgd_lab.bench.disk_use import _CHECKPOINT_BYTES, telemetry_bytes
from mgd_lab.records import Checkpoint, Counters, Telemetry
from mgd_lab.run_store import RunWriter, create_run


@pytest.fixture
def size_of(tmp_path):
    """Bytes of a log with these records, without those of an empty one."""

    def written(records):
        folder = create_run(
            tmp_path, "r", files={}, resolved={}, environment={}, simulated=True
        )  # fmt: skip
        with RunWriter(folder) as writer:
            for record in records:
                writer.write(record)
            writer.write(Checkpoint(Counters(), 0.0, 0.0, {}))
        return sum(path.stat().st_size for path in folder.path.glob("log.sqlite*"))

    return lambda records: written(records) - written([])


@pytest.mark.parametrize("channels", [1, 3, 200])
def test_telemetry(size_of, channels):
    names = tuple(f"channel{k}" for k in range(channels))
    count = 20_000 // channels
    size = size_of(
        Telemetry(10**7 + 100 * k, names, np.full(channels, 1.0), 1e9 + k) for k in range(count)
    )
    assert count * telemetry_bytes(channels) == pytest.approx(size, rel=0.2)


def test_checkpoints(size_of):
    count = 1_000
    size = size_of(
        Checkpoint(Counters(n, 2 * n, n // 10, 0, n, n // 16), 1e9, 1e5, {})
        for n in range(10**7, 10**7 + 1000 * count, 1000)
    )
    assert count * _CHECKPOINT_BYTES == pytest.approx(size, rel=0.2)


def test_what_is_written_by_the_clock_counts(load, monkeypatch):
    monkeypatch.setattr(checking, "_rehearsed", lambda *_: 100.0)  # steps a second
    week = {"stop": {"steps": 60_480_000}, "evaluate": {"every_steps": 10**9}}
    sizes = {}
    for every in (1.0, 10.0, 1e9):
        logging = {"costs": "none", "telemetry_every_seconds": every}
        logging |= {"parameters_every_updates": 10**9, "checkpoint_every_seconds": 1e9}
        loaded = load(**week, logging=logging)
        report = check(loaded)
        assert report.seconds == pytest.approx(604_800, rel=0.01)
        sizes[every] = report.disk_bytes
    readings = report.seconds * (1.0 - 0.1)
    with build_chip(loaded.experiment.chip) as chip:
        each = telemetry_bytes(len(chip.description.telemetry))
    assert sizes[1.0] - sizes[10.0] == pytest.approx(readings * each, rel=0.01)
    assert sizes[1e9] < 300_000
