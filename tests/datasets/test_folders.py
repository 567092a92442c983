from pathlib import Path

import pytest

from mgd_lab.datasets.files import home_of_fetched, locate, search, search_folders
from mgd_lab.errors import DataError


def test_the_order_of_folders(fashion, cache, tmp_path, monkeypatch):
    system, named = tmp_path / "system", tmp_path / "named"
    assert search(fashion.official) is None
    fashion.lay(system)
    assert locate(fashion.official).folder == system / "fashion-mnist"
    fashion.lay(cache)
    assert locate(fashion.official).folder == cache / "fashion-mnist"
    monkeypatch.setenv("MGD_LAB_DATA", str(named))
    assert locate(fashion.official).folder == cache / "fashion-mnist"
    fashion.lay(named)
    assert locate(fashion.official).folder == named / "fashion-mnist"
    assert locate(fashion.official, folder=system).folder == system / "fashion-mnist"
    # A folder that is named in place is searched alone.
    with pytest.raises(DataError, match=r"is not on this computer; looked in .*/elsewhere\n"):
        locate(fashion.official, folder=tmp_path / "elsewhere")


def test_debians_folder(monkeypatch):
    monkeypatch.delenv("MGD_LAB_DATA", raising=False)
    assert search_folders()[-1] == Path("/usr/share/datasets")


def test_files_that_lie_in_the_named_folder_itself(fashion, cache, tmp_path, monkeypatch):
    fashion.lay(tmp_path / "x")
    folder = tmp_path / "x" / "fashion-mnist"
    monkeypatch.setenv("MGD_LAB_DATA", str(folder))
    assert locate(fashion.official).folder == folder


def test_a_complete_folder_goes_before_one_with_some_files(fashion, cache, tmp_path, monkeypatch):
    folder = fashion.lay(tmp_path / "some")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    monkeypatch.setenv("MGD_LAB_DATA", str(tmp_path / "some"))
    with pytest.raises(DataError, match=f"incomplete in {folder}: t10k-labels-idx1-ubyte missing"):
        locate(fashion.official)
    fashion.lay(cache)
    assert locate(fashion.official).folder == cache / "fashion-mnist"


def test_where_fetched_files_go(monkeypatch):
    monkeypatch.delenv("MGD_LAB_DATA", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/ada")
    assert home_of_fetched() == Path("/home/ada/.cache/mgd-lab")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/ada")
    assert home_of_fetched() == Path("/var/cache/ada/mgd-lab")
    monkeypatch.setenv("MGD_LAB_DATA", "~/data")
    assert home_of_fetched() == Path("/home/ada/data")
    assert home_of_fetched(Path("here")) == Path("here")
