"""Each wrong chip is found out, by the check that is there for it."""

import dataclasses
import json
import zlib

import numpy as np
import pytest

from mgd_lab.conformance import CHECKS, check_built_chip
from mgd_lab.conformance.checks import watchdog
from mgd_lab.errors import LinkError
from mgd_lab.experiment import ChipSettings
from mgd_lab.experiment.chain import LayerSettings
from sim_instruments.chain import Chain
from sim_instruments.emulated import EmulatedChip

ALL_BUT_TIMING = [check.name for check in CHECKS if check.name not in ("timing", "watchdog")]


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


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda costs, inputs: (costs, inputs[:, ::-1]), "against its nodes"),
        (lambda costs, inputs: (costs, inputs * 1.001), "against its nodes"),
        (lambda costs, inputs: (costs[::-1].copy(), inputs), "against its nodes"),
        (lambda costs, inputs: (costs, inputs[:, 1:]), "layer inputs of shape"),
        (lambda costs, inputs: (costs[1:], inputs), "costs of shape"),
        (lambda costs, inputs: (costs, np.zeros((len(costs), 4))), "not asked for"),
    ],
)
def test_nodes_that_are_not_what_they_say_are_caught(faithful, wrong, reason):
    class Wrong(faithful):
        def measure_nodes(self, *arguments):
            return wrong(*super().measure_nodes(*arguments))

    assert reason in failures(Wrong(), "nodes")["nodes"]


def test_nodes_of_other_parameters_are_caught(faithful):
    class Moves(faithful):
        def node_layers(self):
            first, second = super().node_layers()
            return first, dataclasses.replace(second, biases=first.biases)

    assert "each once" in failures(Moves(), "nodes")["nodes"]


def test_nodes_of_a_convolution_are_judged():
    layers = [{"kind": "conv", "out_channels": 2, "kernel": [2, 3]}, {"kind": "tanh"}]
    layers.append({"kind": "dense", "outputs": 2})
    chain = Chain(
        (2, 4, 5), tuple(LayerSettings.model_validate_json(json.dumps(x)) for x in layers)
    )
    [result] = check_built_chip(EmulatedChip(chain), checks=["nodes"])
    assert (result.status, result.reason) == ("passed", "64 parameters agree with their nodes")


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


@pytest.mark.parametrize("kept", ["inputs", "targets", "all"])
def test_a_hash_of_something_else_is_caught(faithful, kept):
    class Tells(faithful):
        def load_samples(self, inputs, targets):
            super().load_samples(inputs, targets)
            if not hasattr(self, "first"):
                self.first = {"inputs": self._inputs, "targets": self._targets}

        def samples_hash(self):
            held = {"inputs": self._inputs, "targets": self._targets}
            stale = self.first if kept == "all" else {kept: self.first[kept]}
            parts = [array.astype("f4").tobytes() for array in (held | stale).values()]
            return zlib.crc32(b"".join(parts))

    assert "the chip gives" in failures(Tells(), "samples_hash")["samples_hash"]


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


def test_a_block_that_is_too_large_must_be_refused(faithful):
    class Takes(faithful):
        def measure_dense(self, theta, samples, perturbations):
            halves = np.array_split(np.arange(len(samples)), 2)
            return np.concatenate(
                [super(Takes, self).measure_dense(theta, samples[half], perturbations[half])
                 for half in halves]
            )  # fmt: skip

    found = failures(Takes(), "block_limit")
    assert set(found) == {"block_limit[dense]"}
    assert "4097 probes was not refused" in found["block_limit[dense]"]


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


def test_limits_that_are_forgotten_are_caught(faithful):
    class Forgets(faithful):
        def write_limits(self, low, high):
            pass

    class Ignores(faithful):
        def write_limits(self, low, high):
            self.kept = low, high

        def read_limits(self):
            return self.kept

    class Writes(faithful):
        def write_parameters(self, values):
            self._register = values.copy()

    assert "read back" in failures(Forgets(), "chip_limits")["chip_limits"]
    ignores = Ignores()
    ignores.kept = ignores._stage.limits
    assert "perturbations beyond" in failures(ignores, "chip_limits")["chip_limits"]
    writes = Writes()
    writes._description = dataclasses.replace(writes.description, rungs=("dense",))
    assert "were written" in failures(writes, "chip_limits")["chip_limits"]


def test_limits_are_put_back_after_the_check(faithful):
    chip = faithful()
    assert failures(chip, "chip_limits") == {}
    assert np.isinf(np.array(chip.read_limits())).all()


def test_a_switch_that_does_nothing_is_caught(faithful):
    class Dead(faithful):
        def switch_outputs(self, on):
            self.on = on

        def outputs_are_on(self):
            return self.on

    class Stuck(faithful):
        def outputs_are_on(self):
            return True

    assert "while outputs were off" in failures(Dead(), "output_switch")["output_switch"]
    assert "read on" in failures(Stuck(), "output_switch")["output_switch"]


def test_wrong_telemetry_is_caught(faithful):
    class Short(faithful):
        def read_telemetry(self):
            return super().read_telemetry()[:-1]

    class Infinite(faithful):
        def read_telemetry(self):
            return np.full(1, np.inf)

    assert "shape (0,)" in failures(Short(), "telemetry")["telemetry"]
    assert "presentations reads inf" in failures(Infinite(), "telemetry")["telemetry"]


def test_learning_beyond_the_edges_is_caught(faithful):
    class Told(faithful):
        """Alters the program that it is told."""

        change = None

        def configure_learning(self, program, theta):
            super().configure_learning(dataclasses.replace(program, **self.change), theta)

    free = {"lowest": np.full(9, -np.inf), "highest": np.full(9, np.inf)}
    says = {"counts no value": free, "went on": {"on_update": "project"}}
    for words, change in says.items():
        chip = Told()
        chip.change = change
        assert words in failures(chip, "learning_limits")["learning_limits"]

    class Starts(faithful):
        def configure_learning(self, program, theta):
            super().configure_learning(program, np.clip(theta, program.lowest, program.highest))

    assert "starts beyond" in failures(Starts(), "learning_limits")["learning_limits"]


def test_a_watchdog_that_bites_is_caught(faithful, monkeypatch):
    monkeypatch.setattr(watchdog, "_SECONDS", 0.01)

    class Bites(faithful):
        def watch_host(self, seconds):
            self.switch_outputs(on=False)

    assert failures(faithful(), "watchdog") == {}
    assert "outputs are off" in failures(Bites(), "watchdog")["watchdog"]
