"""What `served` passes on to its endpoints."""

from __future__ import annotations

import time

from drivers.serial_board import DRIVER
from mgd_lab.bench.serving import Places, served

CHIP = "driver: emulated\nnetwork: {layers: [2, 2, 1]}\n"
BYTES_OF_NINE_PARAMETERS = 72


def seconds_to_read(tmp_path, baud_rate):
    (tmp_path / "chip.yaml").write_text(CHIP)
    places = Places(serial=tmp_path / "board", baud_rate=baud_rate)
    with served(tmp_path / "chip.yaml", places) as (port,):
        keys = {"driver": "serial", "port": port, "timeout_seconds": 20}
        with DRIVER.build(DRIVER.settings.model_validate(keys), None) as chip:
            began = time.monotonic()
            for _ in range(4):
                chip.read_parameters()
            return time.monotonic() - began


def test_a_terminal_is_as_slow_as_its_line(tmp_path):
    # Ten bits a byte; a line that is busy with a message holds up the next. A lower bound only, so
    # that a busy machine cannot break it.
    assert seconds_to_read(tmp_path, 4800) > 3 * BYTES_OF_NINE_PARAMETERS * 10 / 4800
