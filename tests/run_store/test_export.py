import json

import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xarray as xr

from mgd_lab.errors import ConfigurationError, MissingExtraError, RunStoreError
from mgd_lab.records import (
    Checkpoint,
    Counters,
    Evaluation,
    Event,
    ParameterSnapshot,
    StepBlock,
    WindowMeans,
)
from mgd_lab.run_store import RunWriter, export_run, open_run

TABLES = [
    "costs", "window_means", "parameters", "evaluations", "telemetry", "events", "checkpoints",
]  # fmt: skip
FORMATS = ["csv", "parquet", "h5", "hdf5", "nc"]


@pytest.fixture(params=[0, 3], ids=["single", "batch"])
def run(request, make_run):
    folder = make_run(parameter_names=["w0", "w1"], parameter_units=["V", "V"])
    rng = np.random.default_rng(1)
    shape = (100_000, request.param) if request.param else 100_000
    with RunWriter(folder) as writer:
        samples = rng.integers(0, 300, shape).astype(np.uint32)
        writer.write(StepBlock(0, samples, rng.random(100_000), rng.random(100_000), 0.0, 0.0))
        for i in range(3):
            writer.write(ParameterSnapshot(i, i, rng.random(2)))
        writer.write(Evaluation(0, 0, "train", 4, 0.25, None, 1.5))
        writer.write(Evaluation(9, 1, "test", 4, 0.125, 0.5, 2.5))
        writer.write(Event(3, "retry", 'no reply, # "twice" é', 1.0, {"n": 2}))
        writer.write(Checkpoint(Counters(100_000), 5.0, 6.0, {}, "finished"))
    with open_run(folder.path) as run:
        yield run


@pytest.fixture
def empty(make_run):
    with open_run(make_run().path) as run:
        yield run


def test_csv_reads_back_with_pandas(run, tmp_path):
    files = export_run(run, tmp_path / "x.csv")
    assert [file.name for file in files] == [
        "x.csv", *(f"x.{table}.csv" for table in TABLES[1:])
    ]  # fmt: skip
    costs = pd.read_csv(files[0], comment="#")
    expected = run.costs()
    assert np.array_equal(costs["cost"], expected.cost)
    assert np.array_equal(costs.filter(like="sample").to_numpy().squeeze(), expected.sample)
    theta = pd.read_csv(tmp_path / "x.parameters.csv", comment="#")
    assert np.array_equal(theta[["theta_0", "theta_1"]], run.parameters().theta)
    evaluations = pd.read_csv(tmp_path / "x.evaluations.csv", comment="#")
    assert evaluations["accuracy"].isna().tolist() == [True, False]
    assert all("# simulated: true\n" in file.read_text() for file in files)


def test_parquet_reads_back_with_pandas(run, tmp_path):
    files = export_run(run, tmp_path / "x.parquet")
    costs = pd.read_parquet(files[0])
    expected = run.costs()
    assert np.array_equal(costs["cost"], expected.cost)
    assert np.array_equal(np.stack(costs["sample"]), expected.sample)
    theta = pd.read_parquet(tmp_path / "x.parameters.parquet")["theta"]
    assert np.array_equal(np.stack(theta), run.parameters().theta)
    events = pd.read_parquet(tmp_path / "x.events.parquet")
    assert events["message"].tolist() == run.events().message.tolist()
    for file in files:
        metadata = pq.read_schema(file).metadata
        assert metadata[b"simulated"] == b"true"
        assert json.loads(metadata[b"experiment"])["seed"] == 3


def test_hdf5_reads_back_with_h5py(run, tmp_path):
    (path,) = export_run(run, tmp_path / "x.h5")
    with h5py.File(path) as file:
        assert sorted(file) == sorted(TABLES)
        assert file.attrs["simulated"] == "true"
        for name, values in run.costs()._asdict().items():
            assert np.array_equal(file["costs"][name][:], values)
        assert np.array_equal(file["parameters/theta"][:], run.parameters().theta)
        assert file["parameters/theta"].attrs["units"] == "V"
        assert file["events/message"].asstr()[0] == 'no reply, # "twice" é'


def test_netcdf_reads_back_as_the_dataset(run, tmp_path):
    (path,) = export_run(run, tmp_path / "x.nc")
    with xr.open_dataset(path, engine="h5netcdf") as found:
        xr.testing.assert_identical(found.load(), run.to_xarray())
        assert found.attrs["simulated"] == "true"


def test_the_dataset_holds_what_is_asked_for(run):
    dataset = run.to_xarray(10, 1000, 7)
    assert dataset.step.values.tolist() == list(range(10, 1000, 7))
    assert np.array_equal(dataset.sel(step=17).cost, run.costs(17, 18).cost[0])
    assert dataset.theta.attrs["units"] == "V"
    assert dataset.theta.sel(parameter="w1").shape == (3,)
    assert dataset.attrs["run"] == run.path.name


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_empty_run_exports(empty, tmp_path, suffix):
    files = export_run(empty, tmp_path / f"x.{suffix}")
    assert all(file.stat().st_size for file in files)
    if suffix == "nc":
        with xr.open_dataset(files[0], engine="h5netcdf") as found:
            assert found.sizes["step"] == empty.to_xarray().sizes["step"] == 0


@pytest.mark.parametrize("suffix", FORMATS)
def test_many_parameters_fit_the_metadata(make_run, tmp_path, suffix):
    names = [f"layer{i // 100}.weight{i}" for i in range(14_000)]
    folder = make_run(parameter_names=names, parameter_units=["V"] * 14_000)
    with RunWriter(folder) as writer:
        writer.write(ParameterSnapshot(0, 0, np.ones(14_000)))
        writer.write(WindowMeans(np.array([4]), np.ones(1), np.ones(1), 0.0, 0.0))
        writer.write(Checkpoint(Counters(), 0.0, 0.0, {}))
    with open_run(folder.path) as run:
        path = export_run(run, tmp_path / f"x.{suffix}")[0]
        assert run.to_xarray().parameter.values[-1] == names[-1]
    if suffix == "nc":
        with xr.open_dataset(path, engine="h5netcdf") as found:
            assert found.parameter.values[-1] == names[-1]


@pytest.mark.parametrize("suffix", FORMATS)
def test_memory_is_bounded(make_run, tmp_path, suffix):
    import tracemalloc

    folder = make_run()
    zeros = np.zeros(10_000)
    with RunWriter(folder) as writer:
        for first in range(0, 100_000, 10_000):
            writer.write(StepBlock(first, np.zeros(10_000, np.uint8), zeros, zeros, 0.0, 0.0))
        writer.write(Checkpoint(Counters(), 0.0, 0.0, {}))
    with open_run(folder.path) as run:
        export_run(run, tmp_path / f"warm.{suffix}")  # imports
        peaks = []
        for count in (20_000, 100_000):
            limit_steps(run, count)
            tracemalloc.start()
            export_run(run, tmp_path / f"{count}.{suffix}")
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def limit_steps(run, count):
    all_chunks = type(run).cost_chunks
    run.cost_chunks = lambda: (c for c in all_chunks(run, 4096) if c.step[0] < count)


def test_an_existing_file_is_kept_unless_told(run, tmp_path):
    (tmp_path / "x.events.csv").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"x\.events\.csv exists already"):
        export_run(run, tmp_path / "x.csv")
    assert [path.name for path in tmp_path.glob("x*")] == ["x.events.csv"]
    export_run(run, tmp_path / "x.csv", overwrite=True)
    assert (tmp_path / "x.events.csv").read_text() != "mine"


def test_wrong_destinations_are_refused(empty, tmp_path):
    with pytest.raises(ConfigurationError, match=r"'\.xlsx'.*\.parquet, \.h5, \.hdf5, \.nc, \.csv"):
        export_run(empty, tmp_path / "x.xlsx")
    with pytest.raises(ConfigurationError, match="no folder"):
        export_run(empty, tmp_path / "missing" / "x.csv")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(ConfigurationError, match="is a folder"):
        export_run(empty, tmp_path / "d.csv", overwrite=True)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_failed_export_leaves_nothing(run, tmp_path, suffix, monkeypatch):
    def full(steps=0):
        raise OSError(28, "No space left on device")
        yield

    monkeypatch.setattr(run, "cost_chunks", full)
    with pytest.raises(RunStoreError, match="No space left"):
        export_run(run, tmp_path / f"x.{suffix}")
    assert not list(tmp_path.glob("*x.*"))


@pytest.mark.parametrize(
    ("suffix", "library"), [("parquet", "pyarrow"), ("h5", "h5py"), ("nc", "h5netcdf")]
)
def test_a_missing_library_names_the_extra(empty, tmp_path, suffix, library, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, library, None)
    with pytest.raises(MissingExtraError, match=rf"{library}.*mgd-lab\[export\]"):
        export_run(empty, tmp_path / f"x.{suffix}")
    monkeypatch.setitem(__import__("sys").modules, "xarray", None)
    with pytest.raises(MissingExtraError, match="xarray"):
        empty.to_xarray()
