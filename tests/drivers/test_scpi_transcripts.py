"""What the driver sends and takes, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest

from mgd_lab.costs import CostFunction


def f32(*rows):
    return np.array(rows, np.float32)


def u32(*values):
    return np.array(values, np.uint32)


TRANSCRIPTS = {
    "cost": (
        lambda chip: chip.set_cost(CostFunction()),
        None,
        0,
        (
            "#236 01000000 12 00 0000 00000000 00000000 00 00 0000 00000000"
            "0000000000000000 ed7be4f0",
            "#220 01000000 04030201 00000000 00000000 c443b9cb",
        ),
    ),
    "samples": (
        lambda chip: chip.load_samples(f32([0], [1]), f32([0], [1])),
        None,
        1,
        (
            "#244 02000000 11 00 0000 00000000 02000000 00000000 02000000"
            "00000000 0000803f 00000000 0000803f 7596e84b",
            "#220 02000000 04030201 00000000 00000000 36f771e2",
        ),
    ),
    "outputs": (
        lambda chip: chip.outputs(np.array([2.0, -1.0]), f32([0], [1])),
        [[-1.0], [1.0]],
        2,
        (
            "#244 03000000 01 00 0000 00000000 02000000 0000000000000040 000000000000f0bf"
            "00000000 0000803f c1f07902",
            "#236 03000000 04030201 00000000 02000000 000000000000f0bf 000000000000f03f 1d66123a",
        ),
    ),
    "costs": (
        lambda chip: chip.costs(np.array([2.0, -1.0]), f32([0.5]), f32([1])),
        [1.0],
        3,
        (
            "#244 04000000 02 00 0000 00000000 01000000 0000000000000040 000000000000f0bf"
            "0000003f 0000803f 18500bbd",
            "#228 04000000 04030201 00000000 01000000 000000000000f03f a019719c",
        ),
    ),
    "dense": (
        lambda chip: chip.measure_dense(f32(2, -1), u32(0, 1), f32([0, 0], [0.5, -0.25])),
        [1.0, 0.0625],
        4,
        (
            "#252 05000000 03 01 0000 01000000 02000000 00000040 000080bf 00000000 01000000"
            "00000000 00000000 0000003f 000080be 57bc318c",
            "#236 05000000 04030201 00000000 02000000 000000000000f03f 000000000000b03f 683e71e5",
        ),
    ),
    "amplitudes": (
        lambda chip: chip.set_amplitudes(f32(0.5, 0.25)),
        None,
        6,
        (
            "#228 07000000 10 00 0000 00000000 02000000 0000003f 0000803e 5a62b747",
            "#220 07000000 04030201 00000000 00000000 202a2898",
        ),
    ),
    "write": (
        lambda chip: chip.write_parameters(np.array([0.5, -0.5])),
        None,
        8,
        (
            "#236 09000000 13 00 0000 00000000 02000000 000000000000e03f 000000000000e0bf ab9b411b",
            "#220 09000000 04030201 00000000 00000000 8bdcaab8",
        ),
    ),
    "read": (
        lambda chip: chip.read_parameters(),
        [0.5, -0.5],
        9,
        (
            "#220 0a000000 14 00 0000 00000000 00000000 fa271617",
            "#236 0a000000 04030201 00000000 02000000 000000000000e03f 000000000000e0bf 35475dce",
        ),
    ),
}


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_literal_transcript(lab, name):
    call, expected, sequence, literal = TRANSCRIPTS[name]
    # What sets the chip up is followed by a look into the error queue.
    exchanges = [lab.message(*literal)] + [lab.NO_ERROR] * (expected is None)
    script, chip = lab.scripted(
        *lab.OPENING, *exchanges, *lab.closing(sequence + 1), sequence=sequence
    )
    with chip:
        found = call(chip)
        assert (found is None) == (expected is None)
        assert expected is None or found.tolist() == expected
    assert script.exchanges == []


def test_theta_travels_once_and_then_by_number(lab):
    script, chip = lab.scripted(
        *lab.OPENING, lab.DENSE, lab.DENSE_AGAIN, *lab.closing(6), sequence=4
    )
    with chip:
        chip.measure_dense(f32(2, -1), u32(0, 1), f32([0, 0], [0.5, -0.25]))
        assert chip.measure_dense(f32(2, -1), u32(1), f32([-0.5, 0.25])).tolist() == [0.0625]
    assert script.exchanges == []


def test_signs_transcript(lab):
    literal = lab.message(
        "#246 08000000 04 01 0000 01000000 03000000 0000803f 0000003f 00000000 01000000 01000000"
        "0001ff 000101 0e5954e7",
        "#244 08000000 04030201 00000000 03000000 000000000000d03f 000000000000e23f"
        "000000000000b03f 19ec3d08",
    )
    script, chip = lab.scripted(*lab.OPENING, literal, *lab.closing(8), sequence=7)
    with chip:
        signs = np.array([0, 1, -1], np.int8)
        codes = np.array([[0], [1], [1]], np.uint8)
        costs = chip.measure_signs(f32(1, 0.5), u32(0, 1, 1), signs, codes)
        assert costs.tolist() == [0.25, 0.5625, 0.0625]
    assert script.exchanges == []


def test_sequence_number_wraps(lab):
    _, chip = lab.scripted(*lab.OPENING, *lab.closing(-1), sequence=2**32 - 1)
    with chip:
        pass
