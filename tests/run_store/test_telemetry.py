import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from mgd_lab.errors import RunStoreError
from mgd_lab.records import Checkpoint, Counters, Telemetry
from mgd_lab.run_store import RunWriter, export_run, open_run, telemetry_series

UNITS = [{"name": "supply", "unit": "V"}, {"name": "die", "unit": "°C"}]
CHIP = {"chip": {"description": {"telemetry": UNITS}}}


def reading(step, values, names=("supply", "die")):
    return Telemetry(step, names, np.array(values, dtype=float), 100.0 + step)


def write(folder, *records):
    with RunWriter(folder) as writer:
        for record in records:
            writer.write(record)
        writer.write(Checkpoint(Counters(records[-1].step), 0.0, 0.0, {}))


@pytest.fixture
def folder(make_run):
    folder = make_run(environment=CHIP)
    write(
        folder,
        reading(0, [3.3, 21.0]),
        reading(10, [3.25, np.nan]),
        reading(20, [7.0], names=("spare",)),
    )
    write(folder, reading(30, [3.0, 22.5]))
    return folder


def test_readings_come_back_one_channel_a_row(folder):
    with open_run(folder.path) as run:
        found = run.telemetry()
        assert run.telemetry_counts() == (4, 7)
    assert found.step.tolist() == [0, 0, 10, 10, 20, 30, 30]
    assert found.utc_seconds.tolist() == [100, 100, 110, 110, 120, 130, 130]
    assert found.name.tolist() == ["supply", "die", "supply", "die", "spare", "supply", "die"]
    assert np.array_equal(found.value, [3.3, 21, 3.25, np.nan, 7, 3, 22.5], equal_nan=True)
    assert found.unit.tolist() == ["V", "°C", "V", "°C", "", "V", "°C"]


def test_pieces_are_bounded_and_equal_the_whole(folder, monkeypatch):
    monkeypatch.setattr(telemetry_series, "_PIECE", 3)
    with open_run(folder.path) as run:
        pieces = list(run.telemetry_chunks())
        whole = run.telemetry()
    assert [len(piece.step) for piece in pieces] == [2, 2, 1, 2]
    for k, column in enumerate(whole):
        joined = np.concatenate([piece[k] for piece in pieces])
        assert joined.tolist() == pytest.approx(column.tolist(), nan_ok=True)


def test_names_are_kept_once(folder):
    with open_run(folder.path) as run, run.one_moment() as connection:
        names = [
            json.loads(t) for (t,) in connection.execute("SELECT names FROM telemetry_channels")
        ]
    assert names == [["supply", "die"], ["spare"]]


def test_every_format_holds_it(folder, tmp_path):
    with open_run(folder.path) as run:
        expected = run.telemetry()
        export_run(run, tmp_path / "x.csv")
        export_run(run, tmp_path / "x.parquet")
        (netcdf,) = export_run(run, tmp_path / "x.nc")
        dataset = run.to_xarray()
        assert dataset.telemetry_unit.values.tolist() == expected.unit.tolist()
        with xr.open_dataset(netcdf, engine="h5netcdf") as found:
            xr.testing.assert_identical(found.load(), dataset)
    csv = pd.read_csv(tmp_path / "x.telemetry.csv", comment="#", keep_default_na=False)
    assert csv["unit"].tolist() == expected.unit.tolist()
    parquet = pd.read_parquet(tmp_path / "x.telemetry.parquet")
    assert np.array_equal(parquet["value"], expected.value, equal_nan=True)
    assert parquet["name"].tolist() == expected.name.tolist()


def test_a_record_that_contradicts_itself_is_refused(make_run):
    with pytest.raises(RunStoreError, match="2 channels and 1 values"):
        write(make_run(), reading(0, [1.0]))


@pytest.mark.parametrize("statement", [
    "UPDATE telemetry SET readings = x'00'", "DELETE FROM telemetry_channels",
])  # fmt: skip
def test_damage_is_said_so(folder, change, statement):
    change(folder, statement)
    with open_run(folder.path) as run, pytest.raises(RunStoreError, match="telemetry of step 0"):
        run.telemetry()
