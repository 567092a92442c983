"""What the driver `serial` sends and takes, byte for byte, as in docs/protocol-frames.md."""

from __future__ import annotations

import json
import zlib

import numpy as np
import pytest

from drivers.frames_link import FramesLink
from drivers.link_settings import IdentitySettings, RetrySettings
from drivers.remote_chip import RemoteChip
from mgd_lab.costs import CostFunction
from mgd_lab.errors import IdentityError, InstrumentError, LinkError, LinkTimeoutError

EPOCH = "04030201"
DESCRIPTION = {
    "name": "line", "groups": [{"name": "w", "count": 2}], "inputs": 1, "outputs": 1,
    "sample_memory": 8, "largest_block": 4,
}  # fmt: skip
BOARD = {"manufacturer": "Lab", "model": "board", "serial": "7", "firmware": "1"}


def stuffed(contents):
    """COBS and the closing zero, written here again for runs below 254 bytes."""
    runs = contents.split(b"\0")
    whole = b""
    for run in runs:
        while len(run) >= 254:
            whole, run = whole + b"\xff" + run[:254], run[254:]
        whole += bytes([len(run) + 1]) + run
    return whole + b"\0"


def line(text, tail=b""):
    """Hexadecimal without the CRC-32 → bytes on the line."""
    contents = bytes.fromhex(text) + tail
    return stuffed(contents + zlib.crc32(contents).to_bytes(4, "little"))


class Script:
    """A port that expects literal writes and gives literal bytes."""

    port = "/dev/ttyACM0"
    is_open = False

    def __init__(self, *exchanges):
        self.exchanges = list(exchanges)
        self.incoming = b""
        self.opened = 0

    def open(self):
        self.opened += 1
        self.is_open = True

    def close(self):
        self.is_open = False

    def forget_input(self):
        self.incoming = b""

    def line_seconds(self, count):
        return 0.0

    def write(self, data):
        if not self.exchanges:
            pytest.fail(f"nothing more was expected; {data.hex(' ')} was sent")
        expected, answer = self.exchanges.pop(0)
        if data != expected:
            pytest.fail(f"{expected.hex(' ')} was expected; {data.hex(' ')} was sent")
        self.incoming += answer

    def read(self, seconds):
        if not self.incoming:
            raise LinkTimeoutError("chip (/dev/ttyACM0): read timed out")
        # A byte at a time: pieces must not matter.
        data, self.incoming = self.incoming[:1], self.incoming[1:]
        return data


def number(value):
    return (value % 2**32).to_bytes(4, "little").hex()


def ping(value, first=b"\0"):
    return first + line(f"{number(value)} 41"), line(f"{number(value)} c1 {EPOCH}")


def hello(value, largest="00100000", version="01", **more):
    text = json.dumps({**BOARD, "description": DESCRIPTION, **more}).encode()
    head = f"{number(value)} c0 {version} 00 0000 {EPOCH} {largest}"
    return line(f"{number(value)} 40 01"), line(head, text)


def opening(last):
    return ping(last + 1), hello(last + 2), ping(last + 3, b"")


def closing(last):
    """Zeros written and read back."""
    one, two = number(last + 1), number(last + 2)
    return (
        (line(f"{one} 13 00 0000 00000000 02000000" + "00" * 16),
         line(f"{one} 80 {EPOCH} 00000000 00000000")),
        (line(f"{two} 14 00 0000 00000000 00000000"),
         line(f"{two} 80 {EPOCH} 00000000 02000000" + "00" * 16)),
    )  # fmt: skip


def scripted(*exchanges, sequence, identity=None, per_block=1):
    port = Script(*exchanges)
    link = FramesLink(port, "chip", 60.0, sequence=sequence)
    retries = RetrySettings(per_block=per_block, backoff_seconds=0)
    return port, RemoteChip(link, identity=identity, retries=retries)


DENSE = (
    bytes.fromhex(
        "02 05 01 01 03 03 01 01 02 01 01 01 02 02 01 01 01 01 01 02 40 01 03 80bf 01 01 01 02 01"
        "01 01 01 01 01 01 01 01 01 01 01 01 01 02 3f 01 07 80be 57bc318c 00"
    ),
    bytes.fromhex(
        "02 05 01 01 06 80 04030201 01 01 01 02 02 01 01 01 01 01 01 01 01 03 f03f 01 01 01 01 01"
        "07 b03f 59e00d06 00"
    ),
)
ARGUMENTS = (
    np.array([2, -1], np.float32),
    np.array([0, 1], np.uint32),
    np.array([[0, 0], [0.5, -0.25]], np.float32),
)


def test_dense_as_on_the_protocol_page():
    port, chip = scripted(*opening(1), DENSE, *closing(5), sequence=1)
    with chip:
        assert chip.identity == {**BOARD, "resource": "/dev/ttyACM0"}
        assert chip.description.largest_block == 4
        assert chip.measure_dense(*ARGUMENTS).tolist() == [1.0, 0.0625]
        assert chip.take_recoveries() == []
    assert port.exchanges == []
    assert not port.is_open


def test_setting_up_and_presenting():
    cost = (
        line("05000000 12 00 0000 00000000 00000000 00 00 0000 00000000 0000000000000000"),
        line(f"05000000 80 {EPOCH} 00000000 00000000"),
    )
    outputs = (
        line("06000000 01 00 0000 00000000 02000000 0000000000000040 000000000000f0bf"
             "00000000 0000803f"),
        line(f"06000000 80 {EPOCH} 00000000 02000000 000000000000f0bf 000000000000f03f"),
    )  # fmt: skip
    port, chip = scripted(*opening(1), cost, outputs, *closing(6), sequence=1)
    with chip:
        chip.set_cost(CostFunction())
        found = chip.outputs(np.array([2.0, -1.0]), np.array([[0], [1]], np.float32))
        assert found.tolist() == [[-1.0], [1.0]]
    assert port.exchanges == []


def repeated(first, last):
    """PING for the line, PING for the epoch, and DENSE again under a new number, with θ."""
    request = (
        f"{number(last)} 03 01 0000 02000000 02000000 00000040 000080bf 00000000 01000000"
        "00000000 00000000 0000003f 000080be"
    )
    reply = f"{number(last)} 80 {EPOCH} 00000000 02000000 000000000000f03f 000000000000b03f"
    return ping(first), ping(first + 1, b""), (line(request), line(reply))


PLAIN = f"05000000 80 {EPOCH} 00000000 02000000 000000000000f03f 000000000000b03f"
BAD = {
    "none": (b"", "timed out"),
    "late": (line(PLAIN.replace("05", "04", 1)), "to request 4, not to 5"),
    "of another session": (line(PLAIN.replace(EPOCH, "04030202")), "session"),
    "damaged": (DENSE[1][:-2] + b"\x07\0", "damaged"),
    "short": (line(PLAIN[:-16]), "fewer"),
    "cut off": (DENSE[1][:20] + b"\0", "cut off|damaged"),
    "long": (line(PLAIN + "00" * 8), "more"),
    "of another count": (line(PLAIN.replace("02000000", "03000000")), "counts 3"),
    "PONG": (line(f"05000000 c1 {EPOCH}"), "kind 0xc1"),
    "DAMAGED": (line("00000000 e1", b"a frame is cut off"), "received a damaged frame: a frame is"),
    "heartbeat of another session": (line("05000000 e0 04030202"), "was restarted"),
    "heartbeat that is none": (line("05000000 e0 04"), "not an epoch"),
    "unreadable": (line(f"05000000 80 {EPOCH} 5fffffff 00000000", b"short"), "cannot read.*short"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_reply_is_never_used_and_the_block_is_measured_again(kind):
    answer, says = BAD[kind]
    port, chip = scripted(*opening(1), (DENSE[0], answer), *repeated(6, 8), *closing(8), sequence=1)
    with chip:
        assert chip.measure_dense(*ARGUMENTS).tolist() == [1.0, 0.0625]
        (recovery,) = chip.take_recoveries()
        assert pytest.raises(LinkError, match=says).matches(LinkError(recovery.message))
        assert recovery.kind == ("timeout" if kind == "none" else "link_fault")
        assert "request 5, DENSE" in recovery.message
        assert recovery.remeasured_probes == 2
    assert port.exchanges == []
    assert port.opened == 1


def test_stale_frames_are_passed_over_when_brought_into_step():
    lost = (DENSE[0], b"")
    resync = ping(6)
    stale = resync[0], b"\x05ends here\0" + DENSE[1] + line(f"04000000 c1 {EPOCH}") + resync[1]
    _, *rest = repeated(6, 8)
    port, chip = scripted(*opening(1), lost, stale, *rest, *closing(8), sequence=1)
    with chip:
        assert chip.measure_dense(*ARGUMENTS).tolist() == [1.0, 0.0625]
    assert port.exchanges == []


def test_port_is_opened_anew_where_no_ping_is_answered():
    lost, silent = (DENSE[0], b""), (ping(6)[0], b"")
    again = ping(7), ping(8, b"")
    _, _, dense = repeated(0, 9)
    port, chip = scripted(*opening(1), lost, silent, *again, dense, *closing(9), sequence=1)
    with chip:
        assert chip.measure_dense(*ARGUMENTS).tolist() == [1.0, 0.0625]
        assert "opened again" in chip.take_recoveries()[0].message
    assert port.opened == 2


def test_heartbeats_are_waited_through_and_bounded():
    beat = line(f"05000000 e0 {EPOCH}")
    _, chip = scripted(*opening(1), (DENSE[0], beat * 99 + DENSE[1]), *closing(5), sequence=1)
    with chip:
        assert chip.measure_dense(*ARGUMENTS).tolist() == [1.0, 0.0625]
    _, chip = scripted(
        *opening(1), (DENSE[0], beat * 100), ping(6), ping(7, b""), *closing(7), sequence=1,
        per_block=0,
    )  # fmt: skip
    with chip, pytest.raises(LinkTimeoutError, match="100 heartbeats"):
        chip.measure_dense(*ARGUMENTS)


def test_refusal_tells_its_reason_and_leaves_the_link_in_step():
    refusal = line(f"05000000 80 {EPOCH} 23ffffff 00000000", b"no samples")
    port, chip = scripted(*opening(1), (DENSE[0], refusal), *closing(5), sequence=1)
    with chip, pytest.raises(InstrumentError, match=r'DENSE: -221,"Settings conflict;no samples"'):
        chip.measure_dense(*ARGUMENTS)
    assert port.exchanges == []


def test_sequence_number_wraps():
    port, chip = scripted(*opening(-3), *closing(0), sequence=2**32 - 3)
    with chip:
        pass
    assert port.exchanges == []


def test_wrong_identity_is_refused_before_anything_else_is_sent():
    exchanges = opening(1)[:2]
    port, chip = scripted(*exchanges, sequence=1, identity=IdentitySettings(serial="8"))
    with pytest.raises(IdentityError, match=r"serial.*'7'.*'8'"), chip:
        pass
    assert port.exchanges == []


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (hello(3, version="02")[1], "version 2"),
        (line("03000000 c0 01"), "short"),
        (hello(4)[1], "number 3 was answered by frame 4"),
        (hello(3, description={"name": "none"})[1], "groups"),
    ],
)
def test_other_boards_are_refused(answer, says):
    exchanges = opening(1)
    _, chip = scripted(exchanges[0], (exchanges[1][0], answer), sequence=1, per_block=0)
    with pytest.raises(LinkError, match=says), chip:
        pass


def test_long_blocks_are_cut_to_the_largest_frame():
    small = hello(3, largest="60000000")
    first, third = opening(1)[0], opening(1)[2]
    row, move = "00000000", "0000003f 000080be"
    answer = "000000000000b03f"

    def cut(k, rows, sent):
        head = f"{number(k)} 03 {'01' if sent else '00'} 0000 01000000 {number(rows)}"
        body = ("00000040 000080bf" if sent else "") + row * rows + move * rows
        reply = f"{number(k)} 80 {EPOCH} 00000000 {number(rows)}" + answer * rows
        return line(head + body), line(reply)

    port, chip = scripted(
        first, small, third, cut(5, 3, True), cut(6, 1, False), *closing(6), sequence=1
    )
    with chip:
        moves = np.tile(ARGUMENTS[2][1], (4, 1))
        found = chip.measure_dense(ARGUMENTS[0], np.zeros(4, np.uint32), moves)
        assert found.tolist() == [0.0625] * 4
    assert port.exchanges == []


def test_opening_is_tried_again_and_told():
    first, (asked, _), _ = opening(1)
    port, chip = scripted(first, (asked, b""), *opening(3), *closing(6), sequence=1)
    with chip:
        (recovery,) = chip.take_recoveries()
    assert recovery.kind == "timeout"
    assert "opening: " in recovery.message
    assert port.exchanges == []
    assert port.opened == 2
