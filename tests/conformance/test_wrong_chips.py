"""Each wrong chip is found out, by the check that is there for it."""

import numpy as np
import pytest

from mgd_lab.conformance import CHECKS, check_built_chip
from mgd_lab.errors import LinkError
from mgd_lab.experiment import ChipSettings
from sim_instruments.emulated import EmulatedChip

ALL_BUT_TIMING = [check.name for check in CHECKS if check.name != "timing"]


def failures(chip, *checks):
    return {
        r.name: r.reason
        for r in check_built_chip(chip, checks=checks or ALL_BUT_TIMING)
        if not r.ok
    }


def in_blocks(change):
    return lambda method, values: change(values) if len(values) > 1 else values


class Late:
    """The last cost of the request before comes first."""

    def __init__(self):
        self.kept = {}

    def __call__(self, method, values):
        before = self.kept.get(method, values[-1:])
        self.kept[method] = values[-1:].copy()
        return np.concatenate([before, values[:-1]])


class Reused:
    """One array for all answers of a length."""

    def __init__(self):
        self.arrays = {}

    def __call__(self, method, values):
        array = self.arrays.setdefault((method, values.shape), values)
        array[:] = values
        return array


def noisy(sigma):
    rng = np.random.default_rng(5)
    return lambda method, values: values + sigma * rng.standard_normal(values.shape)


def test_a_right_chip_passes(faithful):
    assert failures(faithful()) == {}


@pytest.mark.parametrize(
    ("alter", "caught"),
    [
        (in_blocks(lambda costs: np.roll(costs, -1, axis=0)), "pairing"),
        (in_blocks(lambda costs: np.roll(costs, -1, axis=0)), "grouping"),
        (in_blocks(lambda costs: costs * (1 + 1e-15 * len(costs))), "grouping"),
        (in_blocks(lambda costs: costs[::-1].copy()), "grouping"),
        (lambda _, costs: np.where(np.arange(len(costs)).reshape(-1, *[1] * (costs.ndim - 1)) == 3,
                                   np.nan, costs), "returned"),
        (lambda _, costs: costs[..., None], "returned"),
        (lambda _, costs: costs[:1], "returned"),
        (lambda _, costs: costs.astype(np.float32), "returned"),
        (lambda _, costs: costs.tolist(), "returned"),
        (noisy(10.0), "repetition"),
    ],
)  # fmt: skip
def test_wrong_values_are_caught_on_every_block_rung(altered, alter, caught):
    found = failures(altered(alter), caught)
    assert {f"{caught}[dense]", f"{caught}[signs]"} <= set(found)


def test_values_of_the_request_before_are_caught(altered):
    found = failures(altered(Late()), "repetition", "pairing")
    assert {"pairing[dense]", "pairing[signs]", "pairing[forward]"} <= set(found)
    # A rung's first pass begins with what the rung before it left behind.
    assert "instead of" in found["pairing[dense]"]


def test_an_array_that_is_used_again_is_caught(altered):
    found = failures(altered(Reused()), "returned")
    assert "return a copy" in found["returned[dense]"]


def test_a_rung_that_differs_is_caught(altered):
    shift = altered(lambda method, v: v + 1e-12 if method == "measure_dense" else v)
    found = failures(shift, "agreement")
    assert "agreement[dense]" in found
    assert "rung forward" in found["agreement[dense]"]


def test_tolerance_lets_rounding_pass(altered):
    shift = altered(lambda method, v: v + 1e-12 if method == "measure_dense" else v)
    results = check_built_chip(shift, checks=["agreement"], tolerance=1e-9)
    assert all(result.ok for result in results)


def test_noise_is_no_fault(altered):
    results = check_built_chip(altered(noisy(1e-4)), checks=ALL_BUT_TIMING)
    assert [r.name for r in results if not r.ok] == []
    repetition = {r.name: r for r in results}["repetition[dense]"]
    assert repetition.figures["noise"] == pytest.approx(1e-4, rel=0.3)
    learning = {r.name: r for r in results}["learning"]
    assert (learning.status, "noise" in learning.reason) == ("not_applicable", True)


def test_mispairing_is_found_through_noise(altered):
    noise = noisy(1e-4)
    roll = in_blocks(lambda costs: np.roll(costs, 1, axis=0))
    found = failures(altered(lambda m, v: noise(m, roll(m, v))), "repetition", "pairing")
    assert {"pairing[cost]", "pairing[dense]", "pairing[signs]"} <= set(found)
    assert not any(name.startswith("repetition") for name in found)


def test_forgotten_amplitudes_are_caught(faithful):
    class Forgets(faithful):
        def set_amplitudes(self, amplitudes):
            if self._amplitudes is None:
                super().set_amplitudes(amplitudes)

    assert set(failures(Forgets())) == {"amplitudes"}


def test_one_amplitude_for_all_parameters_is_caught(faithful):
    class First(faithful):
        def set_amplitudes(self, amplitudes):
            super().set_amplitudes(np.full_like(amplitudes, amplitudes[0]))

    assert "agreement[signs]" in failures(First(), "agreement", "amplitudes")


def test_ignored_signs_are_caught(faithful):
    class Ignores(faithful):
        def measure_signs(self, theta, samples, signs, packed_codes):
            return super().measure_signs(theta, samples, np.ones_like(signs), packed_codes)

    assert "sign −1" in failures(Ignores(), "signs")["signs"]


def test_an_unsafe_exit_is_caught(faithful):
    class Leaves(faithful):
        def __exit__(self, *ending):
            pass

    assert "after a session" in failures(Leaves(), "safe_state")["safe_state"]


def test_an_exit_that_is_unsafe_only_after_errors_is_caught(faithful):
    class Leaves(faithful):
        def __exit__(self, kind, error, trace):
            if error is None:
                super().__exit__(kind, error, trace)

    assert "after an error" in failures(Leaves(), "safe_state")["safe_state"]


def test_registers_that_are_swapped_are_caught(faithful):
    class Swaps(faithful):
        def read_parameters(self):
            return super().read_parameters()[::-1].copy()

    assert "reads" in failures(Swaps(), "registers")["registers"]


def test_an_ignored_cost_function_is_caught(faithful):
    class Keeps(EmulatedChip):
        def set_cost(self, cost):
            if self._cost is None:
                super().set_cost(cost)

    from sim_instruments.network import MultilayerPerceptron

    found = failures(Keeps(MultilayerPerceptron((2, 3, 2))), "cost_function")
    assert {"cost_function[cost]", "cost_function[dense]"} <= set(found)


def test_a_memory_that_wraps_is_caught(faithful):
    class Wraps(faithful):
        def measure_dense(self, theta, samples, perturbations):
            return super().measure_dense(theta, samples % 1000, perturbations)

    assert "4096 samples loaded" in failures(Wraps(), "sample_memory")["sample_memory"]


def test_wrong_generated_probes_are_caught(faithful):
    class Shifts(faithful):
        def measure_generated(self, theta, first_step, skip, count):
            return super().measure_generated(theta, first_step + (first_step > 2**32), skip, count)

    assert str(2**33 + 5) in failures(Shifts(), "agreement")["agreement[generated]"]


def test_wrong_learning_is_caught(faithful):
    class Drifts(faithful):
        def snapshot(self):
            snapshot = super().snapshot()
            snapshot[8] = np.nextafter(snapshot[8], 9)
            return snapshot

    assert "differ from the host's" in failures(Drifts(), "learning")["learning"]


def test_an_advance_that_counts_twice_is_caught(faithful):
    class Counts(faithful):
        def advance(self, step):
            super().advance(int(self.snapshot()[0]) + step)

    assert "a second time" in failures(Counts(), "snapshots")["snapshots"]


def test_a_block_that_is_too_large_must_not_be_cut(faithful):
    class Cuts(faithful):
        def measure_dense(self, theta, samples, perturbations):
            return super().measure_dense(theta, samples[:4096], perturbations[:4096])

    assert "neither refused" in failures(Cuts(), "block_limit")["block_limit[dense]"]


def test_limits_of_the_chip_file_must_be_applied(faithful):
    settings = ChipSettings.model_validate({"driver": "x", "limits": {"parameters": {"high": 1}}})
    (result,) = check_built_chip(faithful(), settings, checks=["description"])
    assert "limits are not applied" in result.reason


@pytest.mark.parametrize(
    ("error", "part"), [(IndexError("7"), "IndexError: 7"), (LinkError("gone"), "gone")]
)
def test_whatever_a_driver_raises_is_a_finding(faithful, error, part):
    class Raises(faithful):
        def measure_dense(self, *probes):
            raise error

    found = failures(Raises(), "grouping")
    assert part in found["grouping[dense]"]
    assert set(found) == {"grouping[dense]"}


def test_nothing_beyond_the_limits_is_ever_sent(guarded):
    chip = guarded(-0.5, 1.0)
    results = check_built_chip(chip, checks=ALL_BUT_TIMING)
    assert [r.name for r in results if not r.ok] == []
    assert {r.name: r.figures.get("limits") for r in results}["limits"] == 18
    assert -0.5 <= chip.lowest < 0 < chip.highest <= 1.0


def test_safe_values_at_a_limit_leave_room(guarded):
    chip = guarded(0.0, 1.0)
    assert all(r.ok for r in check_built_chip(chip, checks=ALL_BUT_TIMING))
    assert chip.lowest >= 0.0
