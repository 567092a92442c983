"""Imperfections from chip files: training with each, what is refused, going on."""

import json

import numpy as np
import pytest

import mgd_lab

KINDS = (
    "cost_noise.white=0.001",
    "cost_noise={pink: 0.001, pink_octaves: 8}",
    "read_noise={outputs: 0.001, parameters: 0.01}",
    "update_noise=0.001",
    "resolution={bits: 6, low: -4, high: 4, rounding: stochastic}",
    "resolution={step: 0.1, perturbation_step: 0.01}",
    "asymmetry.ratio=1.5",
    "saturation={low: -3, high: 3}",
    "stuck={fraction: 0.2, at: [-1, 1]}",
    "endurance={writes: 50, spread: 0.3}",
    "drift={exponent: 0.05, spread: 0.01}",
    "relaxation={fraction: 0.1, time_constant_presentations: 100}",
    "crosstalk=0.05",
    "activation_variation=0.2",
    "input={low: 0.1, high: 0.9, bits: 4}",
    "output={low: 0, high: 0.6, bits: 8}",
    "settling={time_constant_seconds: 1.0e-6, wait_seconds: 2.0e-6}",
)
NOISY = "{cost_noise: {pink: 0.001}, read_noise: {parameters: 0.01}, update_noise: 0.01}"
EVERYTHING = (
    "{cost_noise: {white: 0.001, pink: 0.001}, read_noise: {outputs: 0.001, parameters: 0.01}, "
    "writing: increments, update_noise: 0.001, resolution: {step: 0.01, rounding: stochastic}, "
    "asymmetry: {ratio: 1.2}, saturation: {low: -3, high: 3}, endurance: {writes: 90}, "
    "drift: {exponent: 0.01}, relaxation: {fraction: 0.1, time_constant_presentations: 9}, "
    "crosstalk: 0.01, activation_variation: 0.1, output: {low: 0, high: 1, bits: 9}, "
    "settling: {time_constant_seconds: 1, wait_seconds: 2}}"
)
START = ("--set", "training.initial={distribution: uniform, low: -1, high: 1}")


def trained(desk, *settings, code=0):
    options = [word for setting in settings for word in ("--set", setting)]
    ended = desk.call("run", "tiny.yaml", "--json", *START, *options)
    assert ended.code == code, ended.err
    return ended


def parameters_and_costs(path):
    with mgd_lab.open_run(path) as run:
        return run.parameters().theta, run.costs().cost


@pytest.mark.parametrize("kind", KINDS)
def test_training_goes_on_with_every_kind(desk, kind):
    ended = trained(desk, f"chip.imperfections.{kind}", "stop.steps=60").last
    assert (ended["status"], ended["steps"]) == ("finished", 60)
    theta, costs = parameters_and_costs(ended["run"])
    assert np.isfinite(costs).all()
    assert (theta[-1] != theta[0]).any()


def test_every_rung_that_perturbs_on_the_chip_gives_the_same(desk):
    found = {}
    for rung in ("dense", "signs", "generated", "learns"):
        settings = (f"chip.rung={rung}", f"chip.imperfections={EVERYTHING}")
        if rung == "learns":
            settings = (*settings, "logging.costs=none")
        ended = trained(desk, "chip.max_block_probes=13", *settings).last
        with mgd_lab.open_run(ended["run"]) as run:
            found[rung] = run.parameters().theta, run.evaluations().cost
    for theta, cost in found.values():
        np.testing.assert_array_equal(theta[-1], found["dense"][0][-1])
        np.testing.assert_array_equal(cost, found["dense"][1])


def test_a_chip_behind_a_wire_gives_the_same(desk):
    wired = (
        'chip={driver: scpi, resource: "TCPIP0::localhost::5025::SOCKET", visa_library: "@sim", '
        "simulated: {instrument: scpi_chip}, network: {layers: [2, 2, 1]}, rung: signs, "
        f"seed: 4, imperfections: {NOISY}}}"
    )
    near = trained(desk, f"chip.imperfections={NOISY}", "chip.seed=4").last
    far = trained(desk, wired).last
    for one, other in zip(*map(parameters_and_costs, (near["run"], far["run"])), strict=True):
        np.testing.assert_array_equal(one, other)


def test_cost_noise_needs_a_chip_that_computes_costs(desk):
    settings = ("chip.rung=forward", "chip.imperfections.cost_noise.white=0.1")
    ended = trained(desk, *settings, code=2)
    assert "imperfections.cost_noise is added to costs that the chip computes" in ended.err


def test_a_chip_made_anew_is_told_of(desk):
    path = trained(desk, f"chip.imperfections={NOISY}").last["run"]
    assert desk.call("resume", path, "--set", "stop.steps=300").code == 0
    with mgd_lab.open_run(path) as run:
        events = run.events()
        place = events.kind.tolist().index("chip_made_anew")
    assert events.step[place] == 200
    assert "does not go on exactly" in events.message[place]


def test_a_chip_without_history_goes_on_without_a_word(desk):
    settings = ("chip.imperfections={crosstalk: 0.1, stuck: {fraction: 0.2}}",)
    path = trained(desk, *settings).last["run"]
    assert desk.call("resume", path, "--set", "stop.steps=300").code == 0
    with mgd_lab.open_run(path) as run:
        assert "chip_made_anew" not in run.event_counts()
    whole = trained(desk, *settings, "stop.steps=300").last["run"]
    for one, other in zip(*map(parameters_and_costs, (path, whole)), strict=True):
        np.testing.assert_array_equal(one[-50:], other[-50:])


@pytest.mark.parametrize("change", ["imperfections.crosstalk=0.2", "imperfections=null", "seed=9"])
def test_other_imperfections_are_noticed_on_resume(desk, change):
    path = trained(desk, "chip.imperfections.crosstalk=0.1").last["run"]
    ended = desk.call("resume", path, "--set", "stop.steps=300", "--set", f"chip.{change}")
    assert ended.code == 2
    assert change.split("=")[0] in ended.err
    changed = ("--set", f"chip.{change}", "--accept-changes")
    assert desk.call("resume", path, "--set", "stop.steps=300", *changed).code == 0


def test_the_record_of_a_run_tells(desk):
    models = set()
    for setting in ("crosstalk=0.1", "crosstalk=0.2", "activation_variation=0.1"):
        path = trained(desk, f"chip.imperfections.{setting}").last["run"]
        with mgd_lab.open_run(path) as run:
            assert json.dumps(run.experiment["chip"]["imperfections"])
            models.add(run.environment["chip"]["identity"]["model"])
    assert len(models) == 3
    assert all(model.startswith("emulated chip 2-2-1 with imperfections ") for model in models)
