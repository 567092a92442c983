import gzip
import tracemalloc
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from mgd_lab.datasets.idx_file import read_idx
from mgd_lab.errors import DataError

TYPES = [np.dtype(name) for name in ("u1", "i1", "i2", "i4", "f4", "f8")]
VALUES = arrays_of.arrays(
    st.sampled_from(TYPES), arrays_of.array_shapes(min_dims=1, max_dims=4, max_side=4)
)


@pytest.fixture(scope="session")
def path(tmp_path_factory):
    """One file for many examples."""
    return tmp_path_factory.mktemp("idx") / "some.idx"


def read_or_refused(path):
    """The values, or what the refusal says."""
    try:
        return read_idx(path).values
    except DataError as error:
        return str(error)


@given(VALUES, st.booleans())
@settings(max_examples=60)
def test_what_was_written_is_read(path, idx_bytes, values, wrapped):
    content = idx_bytes(values)
    path.write_bytes(gzip.compress(content) if wrapped else content)
    read = read_idx(path)
    np.testing.assert_array_equal(read.values, values)
    assert read.values.dtype == values.dtype
    assert read.sha256 == sha256(content).hexdigest()


@given(VALUES, st.booleans(), st.data())
@settings(max_examples=60)
def test_a_file_that_is_cut_off_is_refused(path, idx_bytes, values, wrapped, data):
    content = gzip.compress(idx_bytes(values)) if wrapped else idx_bytes(values)
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(DataError, match=r"some\.idx"):
        read_idx(path)


@given(VALUES, st.booleans(), st.binary(min_size=1, max_size=20))
@settings(max_examples=60)
def test_a_file_that_goes_on_is_refused(path, idx_bytes, values, wrapped, more):
    content = idx_bytes(values) + more
    path.write_bytes(gzip.compress(content) if wrapped else content)
    with pytest.raises(DataError, match=r"some\.idx.* holds more"):
        read_idx(path)


@given(st.binary(max_size=40), st.sampled_from([b"", b"\x1f\x8b", b"\0\0\x08\x01", b"\0\0\x08"]))
@settings(max_examples=150)
def test_any_bytes_are_read_or_refused(path, noise, start):
    path.write_bytes(start + noise)
    found = read_or_refused(path)
    assert isinstance(found, np.ndarray) or "some.idx" in found


@given(VALUES, st.data())
@settings(max_examples=60)
def test_a_damaged_gzip_file_is_refused(path, idx_bytes, values, data):
    whole = gzip.compress(idx_bytes(values))
    damaged = bytearray(whole)
    # Behind the header, whose time and flags say nothing about the contents.
    damaged[data.draw(st.integers(10, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged)
    found = read_or_refused(path)
    if isinstance(found, str):
        assert "some.idx" in found
    else:
        # Some bits of a gzip file do not matter.
        np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize("wrapped", [False, True])
def test_memory_follows_the_file_not_its_header(path, wrapped):
    content = b"\0\0\x08\x03" + (2000).to_bytes(4, "big") + (1000).to_bytes(4, "big") * 2
    path.write_bytes(gzip.compress(content) if wrapped else content)
    tracemalloc.start()
    with pytest.raises(DataError, match="2000 x 1000 x 1000 values of 1 bytes"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\0\0\x08\x02" + b"\xff" * 8, "4294967295 x 4294967295 values"),
        (b"\0\0\x08\x02" + bytes(8), "0 x 0 values"),
        (b"\0\0\x08\x00\x01", "0 dimensions"),
        (b"\0\0\x08\xff" + bytes(1020), "255 dimensions"),
        (b"\0\0\x08\x03" + bytes(11), "within its header"),
        (b"\0\0\x0a\x01" + bytes(8), "not an IDX file: it begins with 00 00 0a 01"),
        (b"PK\3\4", "not an IDX file"),
        (b"", "begins with nothing"),
    ],
)
def test_what_is_wrong_is_said(path, content, words):
    path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_idx(path)


def test_a_file_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            read_idx(path)
