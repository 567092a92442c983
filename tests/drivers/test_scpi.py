"""The driver at an emulated chip: equality with the chip itself, closing, settings."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from drivers.scpi import DRIVER, scpi_chip
from mgd_lab.chip import (
    GeneratesProbes,
    HoldsParameters,
    HoldsSamples,
    Learns,
    MeasuresCost,
    MeasuresDense,
    MeasuresOutputs,
    MeasuresSigns,
    ReportsRecoveries,
)
from mgd_lab.costs import CostFunction
from mgd_lab.errors import ChipError, LinkError, LinkTimeoutError
from sim_instruments.emulated import emulated_chip
from sim_instruments.scpi_chip import ScpiChipDevice
from sim_instruments.visa_library import simulated_library

P, I, O = 9, 2, 1  # noqa: E741


def f32(*rows):
    return np.array(rows, np.float32)


def u32(*values):
    return np.array(values, np.uint32)


def test_every_capability_through_sim_equals_the_chip_in_the_process(lab):
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(20_000, I)).astype(np.float32)
    targets = rng.normal(size=(20_000, O)).astype(np.float32)
    parameters = rng.normal(size=P)
    with emulated_chip(lab.emulation()) as here, lab.at_sim() as there:
        for chip in (here, there):
            chip.set_cost(CostFunction("cross_entropy", 0.1))
            chip.set_cost(CostFunction())
            chip.load_samples(inputs, targets)
            chip.set_amplitudes(np.full(P, 0.05, np.float32))
        for n in (1, 2, 7, 64, there.description.largest_block):
            theta = rng.normal(size=P).astype(np.float32)
            samples = rng.integers(0, 20_000, n).astype(np.uint32)
            codes = rng.integers(0, 256, (n, 2)).astype(np.uint8)
            codes[:, 1] &= 1
            signs = rng.integers(-1, 2, n).astype(np.int8)
            moves = rng.normal(size=(n, P)).astype(np.float32)
            for capability, *arguments in (
                ("outputs", parameters, inputs[:n]),
                ("costs", parameters, inputs[:n], targets[:n]),
                ("measure_dense", theta, samples, moves),
                ("measure_signs", theta, samples, signs, codes),
                ("measure_dense", theta, samples, -moves),
                ("read_parameters",),
            ):
                a = getattr(here, capability)(*arguments)
                b = getattr(there, capability)(*arguments)
                assert (a.dtype, a.shape) == (b.dtype, b.shape)
                assert a.tobytes() == b.tobytes(), capability
        for chip in (here, there):
            chip.write_parameters(parameters)
        assert here.read_parameters().tobytes() == there.read_parameters().tobytes()
        assert there.description == here.description


def test_capabilities_identity_and_simulated(lab):
    chip = lab.at_sim()
    for protocol in (HoldsParameters, MeasuresOutputs, MeasuresCost, HoldsSamples):
        assert isinstance(chip, protocol)
    for protocol in (MeasuresDense, GeneratesProbes, Learns, ReportsRecoveries):
        assert isinstance(chip, protocol)
    assert isinstance(chip, MeasuresSigns)
    with pytest.raises(ChipError, match="not open"):
        _ = chip.description
    with chip:
        assert chip.description.simulated
        assert chip.identity["serial"] == "3"
        assert chip.identity["resource"] == lab.RESOURCE


def test_not_a_number_is_handed_up(lab):
    with lab.at_sim(output_activation="linear") as chip:
        chip.set_cost(CostFunction())
        cost = chip.costs(np.full(P, 1e300), np.ones((1, I), np.float32), f32([0.0]))
        assert not np.isfinite(cost).any()


def test_safe_values_are_written_even_after_an_error(lab):
    emulated = emulated_chip(lab.emulation())
    core = ScpiChipDevice(emulated)
    chip = scpi_chip(lab.settings(), simulated_library({lab.RESOURCE: core}))
    with pytest.raises(ZeroDivisionError), chip:  # noqa: PT012 (the body is what is tested)
        chip.write_parameters(np.ones(P))
        assert emulated.read_parameters().tolist() == [1.0] * P
        _ = 1 / 0
    assert emulated.read_parameters().tolist() == [0.0] * P


def test_safe_values_of_the_chip_file_win(lab):
    emulated = emulated_chip(lab.emulation())
    limits = {"parameters": {"safe": 0.25}, "groups": {"biases2": {"safe": -1.0}}}
    library = simulated_library({lab.RESOURCE: ScpiChipDevice(emulated)})
    with scpi_chip(lab.settings(limits=limits, name="bench 3"), library) as chip:
        assert chip.description.safe.tolist() == [0.25] * 8 + [-1.0]
        assert chip.description.name == "bench 3"
    assert emulated.read_parameters().tolist() == [0.25] * 8 + [-1.0]


class Stuck:
    """An emulated chip whose registers do not move."""

    def __init__(self, emulation):
        self.description = emulated_chip(emulation).description

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        pass

    def write_parameters(self, values):
        pass

    def read_parameters(self):
        return np.full(P, 0.5)


def test_safe_value_that_is_not_reached_is_an_error(lab):
    library = simulated_library({lab.RESOURCE: ScpiChipDevice(Stuck(lab.emulation()))})
    match = r"weights1\[0\] reads 0.5.*by hand"
    with pytest.raises(ChipError, match=match), scpi_chip(lab.settings(), library):
        pass


def test_the_first_error_is_not_masked_by_an_unsafe_chip(lab):
    library = simulated_library({lab.RESOURCE: ScpiChipDevice(Stuck(lab.emulation()))})
    with pytest.raises(RuntimeError, match="bench") as caught, scpi_chip(lab.settings(), library):
        raise RuntimeError("the bench caught fire")
    assert any("by hand" in note for note in caught.value.__notes__)


def test_two_libraries_at_once_do_not_share_chips(lab):
    with lab.at_sim() as one, lab.at_sim() as two:
        one.write_parameters(np.ones(P))
        assert one.read_parameters().tolist() == [1.0] * P
        assert two.read_parameters().tolist() == [0.0] * P


def test_chip_can_be_opened_again(lab):
    chip = lab.at_sim()
    for _ in range(2):
        with chip:
            chip.write_parameters(np.ones(P))
    with pytest.raises(LinkError):
        chip.read_parameters()


def test_defaults(lab):
    plain = DRIVER.settings(driver="scpi", resource=lab.RESOURCE)
    assert (plain.visa_library, plain.timeout_seconds) == ("@py", 5.0)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"visa_library": "@py"}, "simulated goes with"),
        ({"simulated": None, "network": {"layers": (2, 1)}}, "network"),
        ({"simulated": None, "seed": 3}, "seed"),
        ({"resource": ""}, "resource"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"identity": {"colour": "red"}}, "colour"),
        ({"baud": 3}, "baud"),
    ],
)
def test_settings_that_do_not_fit_are_refused(lab, keys, says):
    with pytest.raises(ValidationError, match=says):
        lab.settings(**keys)


def test_timeout_names_device_operation_and_time(lab):
    lost = (b"SYST:ERR?\n", b"")
    _, chip = lab.scripted(*lab.OPENING[:2], lost, retries={"per_block": 0})
    with pytest.raises(LinkTimeoutError, match=r"chip.*read timed out \(timeout_seconds: "), chip:
        pass
