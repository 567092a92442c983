"""Against a server on this machine."""

import fcntl
import gzip
import sys
from dataclasses import replace

import pytest

from mgd_lab.datasets.files import fetch
from mgd_lab.errors import DataError, MissingExtraError

pytest.importorskip("pooch")

IMAGES = "train-images-idx3-ubyte"


def nobody(*_):
    """Looks at no progress."""


@pytest.fixture
def official(fashion, site):
    site.files = dict(fashion.offered)
    return replace(fashion.official, url=site.url)


def test_from_the_site(fashion, official, site, cache):
    told = []
    fetched = fetch(official, None, None, lambda *facts: told.append(facts))
    assert fetched.folder == cache / "fashion-mnist"
    files = sorted(path.name for path in cache.rglob("*") if path.is_file())
    assert files == sorted(fashion.offered)
    for name, content in fashion.offered.items():
        assert (fetched.folder / name).read_bytes() == content
        assert (name, len(content), len(content)) in told
    assert fetch(official, None, None, nobody).brought == ()
    assert len(site.asked) == 4


def test_an_archive_from_the_site(cifar, site, cache):
    site.files = dict(cifar.offered)
    fetch(replace(cifar.official, url=site.url), None, None, nobody)
    files = sorted(path.name for path in cache.rglob("*") if path.is_file())
    assert files == sorted(cifar.contents)


def test_from_a_mirror_with_another_wrapping(fashion, site, cache):
    site.files = {
        f"deep/{name}.gz": gzip.compress(content, 1) for name, content in fashion.contents.items()
    }
    fetched = fetch(fashion.official, f"{site.url}deep", None, nobody)
    assert len(fetched.brought) == 4
    assert f"deep/{IMAGES}.gz" in [name for name, _ in site.asked]


def test_other_contents(fashion, official, site, cache):
    name = f"{IMAGES}.gz"
    site.files[name] = gzip.compress(bytes(len(fashion.contents[IMAGES])), 9)
    with pytest.raises(DataError, match="is not the official file"):
        fetch(official, None, None, nobody)
    with pytest.raises(DataError, match=r"as it was brought.*thrown away"):
        fetch(official, site.url, None, nobody)
    assert not [path for path in cache.rglob("*") if path.is_file()]
    site.files[name] = fashion.offered[name]
    assert len(fetch(official, site.url, None, nobody).brought) == 4


def test_a_download_that_was_cut_off_goes_on(fashion, official, site, cache):
    name, size = f"{IMAGES}.gz", len(fashion.offered[f"{IMAGES}.gz"])
    site.cut_after = 3000
    with pytest.raises(DataError, match=rf"after 3,000 of {size:,} bytes.*goes on from there"):
        fetch(official, None, None, nobody)
    told = []
    with pytest.raises(DataError, match="after 6,000 of"):
        fetch(official, None, None, lambda *facts: told.append(facts))
    assert told[0] == (name, 3000, size)
    site.cut_after = None
    fetch(official, None, None, nobody)
    asked = [wanted for asked_for, wanted in site.asked if asked_for == name]
    assert asked == [None, "bytes=3000-", "bytes=6000-"]
    assert (cache / "fashion-mnist" / name).read_bytes() == fashion.offered[name]
    files = sorted(path.name for path in cache.rglob("*") if path.is_file())
    assert files == sorted(fashion.offered)


def test_a_server_that_cannot_go_on(fashion, official, site, cache):
    site.cut_after, site.ranges = 3000, False
    with pytest.raises(DataError, match="after 3,000 of"):
        fetch(official, None, None, nobody)
    site.cut_after = None
    fetch(official, None, None, nobody)
    assert (cache / "fashion-mnist" / f"{IMAGES}.gz").read_bytes() == (
        fashion.offered[f"{IMAGES}.gz"]
    )


def test_a_part_of_something_else(fashion, official, site, cache):
    """The file at the address has changed since: no mixture is ever taken."""
    name = f"{IMAGES}.gz"
    site.cut_after = 3000
    site.files[name] = gzip.compress(bytes(9000), 0)
    with pytest.raises(DataError, match="after 3,000 of"):
        fetch(official, None, None, nobody)
    site.cut_after, site.files[name] = None, fashion.offered[name]
    with pytest.raises(DataError, match="is not the official file"):
        fetch(official, None, None, nobody)
    assert len(fetch(official, None, None, nobody).brought) == 4


def test_a_part_that_is_whole_already(fashion, official, site, cache):
    name = f"{IMAGES}.gz"
    site.cut_after = 3000
    with pytest.raises(DataError, match="after 3,000 of"):
        fetch(official, None, None, nobody)
    (part,) = cache.rglob("*.part")
    part.write_bytes(fashion.offered[name])
    site.cut_after = None
    assert len(fetch(official, None, None, nobody).brought) == 4
    assert site.asked[1] == (name, f"bytes={len(fashion.offered[name])}-")


def test_two_at_once(official, site, cache):
    site.cut_after = 3000
    with pytest.raises(DataError, match="after 3,000 of"):
        fetch(official, None, None, nobody)
    (part,) = cache.rglob("*.part")
    with part.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="another process downloads"):
            fetch(official, None, None, nobody)
    assert part.stat().st_size == 3000


def test_no_file_and_no_server(official, site, cache):
    del site.files[f"{IMAGES}.gz"]
    with pytest.raises(DataError, match="the server refuses: 404"):
        fetch(official, None, None, nobody)
    with pytest.raises(DataError, match=r"no connection: .*refused") as caught:
        fetch(official, "http://127.0.0.1:1/", None, nobody)
    assert "Without: on a computer that has it, download" in caught.value.__notes__[0]
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_more_than_was_announced(official, site, cache):
    site.files[f"{IMAGES}.gz"] = bytes(100_000)
    with pytest.raises(DataError, match=r"is larger than .* bytes"):
        fetch(official, None, None, nobody)
    assert not list(cache.rglob("*.part"))


def test_without_pooch(official, cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingExtraError, match=r'pip install "mgd-lab\[data\]"') as caught:
        fetch(official, None, None, nobody)
    assert "--from FOLDER" in caught.value.__notes__[0]
