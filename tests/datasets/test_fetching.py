import gzip

import pytest

from mgd_lab.datasets.files import fetch, files_in, verify_files
from mgd_lab.datasets.files.official import FASHION_MNIST
from mgd_lab.errors import DataError

NAMES = [file.name for file in FASHION_MNIST.files]


def nobody(*_):
    """Looks at no progress."""


def left(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("as_url", [False, True])
def test_from_a_folder(fashion, cache, tmp_path, wrapped, as_url):
    source = fashion.lay(tmp_path / "stick of mine", wrapped=wrapped)
    told = []
    source = source.as_uri() if as_url else str(source.parent)
    fetched = fetch(fashion.official, source, None, lambda *facts: told.append(facts))
    assert fetched.folder == cache / "fashion-mnist"
    assert set(fetched.brought) == set(NAMES)
    assert left(cache) == sorted(
        f"fashion-mnist/{name}{'.gz' if wrapped else ''}" for name in NAMES
    )
    assert len(told) == 4
    assert all(done == total for _, done, total in told)
    assert fetch(fashion.official, None, None, nobody).brought == ()


def test_into_a_folder_that_is_named(fashion, cache, tmp_path, monkeypatch):
    source = fashion.lay(tmp_path / "source")
    assert fetch(fashion.official, str(source), tmp_path / "here", nobody).folder == (
        tmp_path / "here" / "fashion-mnist"
    )
    monkeypatch.setenv("MGD_LAB_DATA", str(tmp_path / "there"))
    assert fetch(fashion.official, str(source), None, nobody).folder == (
        tmp_path / "there" / "fashion-mnist"
    )
    assert not cache.exists()


@pytest.mark.parametrize("named", ["the archive", "its folder", "the files", "their folder"])
def test_an_archive_or_its_files(cifar, cache, tmp_path, named):
    archive = tmp_path / "stick" / "cifar-10-binary.tar.gz"
    folder = cifar.lay(tmp_path / "unpacked")
    archive.parent.mkdir()
    archive.write_bytes(cifar.offered[archive.name])
    sources = {
        "the archive": archive,
        "its folder": archive.parent,
        "the files": folder,
        "their folder": folder.parent,
    }
    fetch(cifar.official, str(sources[named]), None, nobody)
    assert left(cache) == sorted(f"cifar-10-batches-bin/{name}" for name in cifar.contents)


def test_an_archive_of_others(cifar, cache, tmp_path, tar_of):
    for contents, words in (
        (
            {**cifar.contents, "data_batch_2.bin": bytes(9219)},
            "data_batch_2.bin, as it was brought",
        ),
        ({**cifar.contents, "test_batch.bin": bytes(7)}, "lacks test_batch.bin, or has them"),
    ):
        (tmp_path / "x.tar.gz").write_bytes(tar_of(contents))
        with pytest.raises(DataError, match=words):
            fetch(cifar.official, str(tmp_path / "x.tar.gz"), None, nobody)
        assert left(cache) == []
    for content in (b"no archive", cifar.offered["cifar-10-binary.tar.gz"][:-300]):
        (tmp_path / "x.tar.gz").write_bytes(content)
        with pytest.raises(DataError, match="damaged archive"):
            fetch(cifar.official, str(tmp_path / "x.tar.gz"), None, nobody)


def test_names_in_an_archive_lead_nowhere_else(cifar, cache, tmp_path, tar_of):
    (tmp_path / "x.tar.gz").write_bytes(tar_of(cifar.contents, "../../.."))
    fetch(cifar.official, str(tmp_path / "x.tar.gz"), None, nobody)
    assert left(cache) == sorted(f"cifar-10-batches-bin/{name}" for name in cifar.contents)


def test_other_contents_are_not_brought(fashion, cache, tmp_path):
    source = fashion.lay(tmp_path / "source")
    (source / NAMES[2]).write_bytes(fashion.contents[NAMES[2]][:-1] + b"x")
    with pytest.raises(DataError, match=f"{NAMES[2]}, as it was brought, is not the official"):
        fetch(fashion.official, str(source), None, nobody)
    assert left(cache) == []


def test_files_of_somebody_stay(fashion, cache, tmp_path):
    source = fashion.lay(tmp_path / "source")
    own = fashion.lay(cache) / NAMES[0]
    own.write_bytes(b"my own")
    with pytest.raises(DataError, match=r"is there already and is not the official file.*Move it"):
        fetch(fashion.official, str(source), None, nobody)
    assert own.read_bytes() == b"my own"


def test_only_what_is_missing_is_brought(fashion, cache, tmp_path):
    source = fashion.lay(tmp_path / "source", wrapped=True)
    (fashion.lay(cache) / NAMES[1]).unlink()
    assert fetch(fashion.official, str(source), None, nobody).brought == (NAMES[1],)
    found = files_in(cache, fashion.official, NAMES)
    assert [verdict.state for verdict in verify_files(fashion.official, found)] == ["official"] * 4


def test_sources_that_are_none(fashion, cache, tmp_path):
    for source, words in (
        (tmp_path / "none", "is no folder"),
        (tmp_path, f"lacks {NAMES[0]}"),
        ("ftp://somewhere/x", "expected a http, https or file URL"),
    ):
        with pytest.raises(DataError, match=words) as caught:
            fetch(fashion.official, str(source), None, nobody)
        assert "apt install" in caught.value.__notes__[0]
        assert left(cache) == []


def test_verdicts(fashion, cache):
    folder = fashion.lay(cache, wrapped=True)
    (folder / f"{NAMES[0]}.gz").write_bytes(gzip.compress(fashion.contents[NAMES[0]][::-1]))
    (folder / f"{NAMES[1]}.gz").write_bytes(gzip.compress(fashion.contents[NAMES[1]] + b"x"))
    (folder / f"{NAMES[2]}.gz").write_bytes(b"\x1f\x8bno gzip file")
    (folder / f"{NAMES[3]}.gz").unlink()
    found = files_in(cache, fashion.official, NAMES)
    verdicts = verify_files(fashion.official, found)
    assert [verdict.state for verdict in verdicts] == [
        *("different", "different", "damaged", "missing")
    ]
    assert "contents have SHA-256" in verdicts[0].problem
    assert "are not of the official file's" in verdicts[1].problem
