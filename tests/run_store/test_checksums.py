import numpy as np
import pytest

from mgd_lab.errors import RunStoreError
from mgd_lab.records import Checkpoint, Counters, ParameterSnapshot, StepBlock, WindowMeans
from mgd_lab.run_store import RunWriter, export_run, open_run
from mgd_lab.run_store.checksums import row_crc


@pytest.fixture
def folder(make_run):
    folder = make_run()
    costs = np.arange(1000.0)
    with RunWriter(folder) as writer:
        for first in (0, 1000, 2000):
            writer.write(StepBlock(first, np.arange(1000) % 250, costs, -costs, 0.0, 0.0))
        writer.write(ParameterSnapshot(5, 5, np.ones(3)))
        writer.write(WindowMeans(np.array([16, 32]), np.ones(2), np.ones(2), 0.0, 0.0))
        writer.write(Checkpoint(Counters(3000), 0.0, 0.0, {"a": np.ones(3)}))
    return folder


def flipped(column, where):
    """Another byte in place of the blob's byte `where`, counted from 1."""
    before, after = f"substr({column}, 1, {where - 1})", f"substr({column}, {where + 1})"
    return f"{column} = CAST({before} || x'77' || {after} AS BLOB)"


def test_the_checksum_is_zlibs_over_numbers_and_bytes():
    # CRC-32 of "123456789" is its published check value.
    assert row_crc((), b"1234", b"56789") == 0xCBF43926
    assert row_crc((1,), b"") == row_crc((), b"\1" + bytes(7))


def test_an_untouched_log_has_no_damage(folder):
    with open_run(folder.path) as run:
        assert run.damaged_blocks() == []


@pytest.mark.parametrize("column", ["samples", "costs", "baselines"])
def test_one_changed_byte_is_found_and_located(folder, change, column, tmp_path):
    change(folder, f"UPDATE step_blocks SET {flipped(column, 300)} WHERE first_step = 1000")
    with open_run(folder.path) as run:
        assert run.damaged_blocks() == [(1000, 1000)]
        with pytest.raises(RunStoreError, match=r"damaged at steps 1000…1999: its checksum is"):
            run.costs(0, None, 999)
        with pytest.raises(RunStoreError, match=r"damaged at steps 1000…1999"):
            export_run(run, tmp_path / "x.csv")
        assert len(run.costs(0, 1000).step) == len(run.costs(2000).step) == 1000


@pytest.mark.parametrize("change_to", ["first_step = 3000", "crc = 0"])
def test_a_moved_row_is_found(folder, change, change_to):
    change(folder, f"UPDATE step_blocks SET {change_to} WHERE first_step = 2000")
    with open_run(folder.path) as run:
        assert len(run.damaged_blocks()) == 1
        with pytest.raises(RunStoreError, match="damaged"):
            run.costs(2000)


def test_a_row_that_is_cut_is_found_without_a_checksum(folder, change):
    change(
        folder,
        "UPDATE step_blocks SET crc = NULL",
        "UPDATE step_blocks SET costs = x'00' WHERE first_step = 1000",
    )
    with open_run(folder.path) as run:
        assert run.damaged_blocks() == [(1000, 1000)]


@pytest.mark.parametrize("column", ["steps", "updates", "theta"])
def test_snapshots_are_checked(folder, change, column):
    change(folder, f"UPDATE parameter_blocks SET {flipped(column, 3)}")
    with open_run(folder.path) as run, pytest.raises(RunStoreError, match=r"damaged at steps 5…5"):
        run.parameters()


def test_means_and_state_are_checked(folder, change):
    change(folder, f"UPDATE window_means SET {flipped('costs', 3)}")
    change(folder, f"UPDATE state SET {flipped('data', 3)}")
    with open_run(folder.path) as run:
        with pytest.raises(RunStoreError, match=r"damaged at steps 16…32"):
            run.window_means()
        with pytest.raises(RunStoreError, match=r"state array 'a' is not what was written"):
            run.state()


def test_rows_without_a_checksum_are_not_checked(folder, change):
    change(folder, f"UPDATE step_blocks SET {flipped('costs', 300)}, crc = NULL")
    with open_run(folder.path) as run:
        assert run.damaged_blocks() == []
        assert len(run.costs().step) == 3000


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        ("UPDATE step_blocks SET costs = 'text'", "costs"),
        ("UPDATE step_blocks SET costs = 'text', crc = NULL", "costs"),
        ("UPDATE parameter_blocks SET theta = 7", "parameters"),
        ("UPDATE events SET details = '{'", "events"),
    ],
)
def test_what_is_of_another_kind_is_damage_too(folder, change, statement, read):
    change(folder, "INSERT INTO events VALUES (NULL, 0, 'told', 'a word', 0.0, '{}')", statement)
    with open_run(folder.path) as run, pytest.raises(RunStoreError, match="damaged"):
        getattr(run, read)()
