"""Keys of imperfections that mean nothing are errors, with their line."""

import re
from pathlib import Path

import pytest

from mgd_lab.experiment.imperfections import Imperfections

PAGE = (Path(__file__).parents[2] / "docs" / "imperfections.md").read_text(encoding="utf-8")

CHIP = "driver: emulated\nnetwork: {layers: [2, 2, 1]}\nimperfections:\n  %s\n"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            "cost_nose: 1",
            "imperfections.cost_nose: unknown key; did you mean 'imperfections.cost_noise'?",
        ),
        ("cost_noise: {with: 1}", "imperfections.cost_noise.with: unknown key"),
        ("update_noise: -1", "imperfections.update_noise: expected a value of at least 0, got -1"),
        ("cost_noise: {pink_octaves: 0}", "imperfections.cost_noise.pink_octaves: expected"),
        ("resolution: {bits: 4}", "imperfections.resolution.bits: bits divide the range"),
        ("resolution: {step: 1, bits: 4}", "imperfections.resolution.bits: give step or bits"),
        ("resolution: {rounding: stochastic}", "imperfections.resolution.rounding: θ is analog"),
        ("resolution: {low: 1, high: 0}", "imperfections.resolution.high: low (1) must be below"),
        ("saturation: {low: 1, high: 1}", "imperfections.saturation.high: low (1) must be below"),
        ("saturation: {low: 1}", "imperfections.saturation.high: a required key is missing"),
        (
            "stuck: {fraction: 2}",
            "imperfections.stuck.fraction: expected a value of at most 1, got 2",
        ),
        ("stuck: {fraction: 1, at: [1, 0]}", "imperfections.stuck.at: low (1) must be below"),
        ("stuck: {fraction: 1, at: [1]}", "imperfections.stuck.at: expected a value or [low,"),
        ("output: {bits: 3, low: 0}", "imperfections.output.bits: bits divide the range"),
        ("input: {low: 1, high: 0}", "imperfections.input.high: low (1) must be below high (0)"),
        ("crosstalk: {neighbour: 1}", "imperfections.crosstalk: expected a number"),
        ("writing: absolut", "imperfections.writing: "),
        ("asymmetry: {ratio: 0}", "imperfections.asymmetry.ratio: expected a value above 0, got 0"),
    ],
)
def test_nonsense_is_told_with_its_line(bench, base, line, problem):
    bench.write(CHIP % line, "chip.yaml")
    [told] = bench.problems(base)
    assert told.startswith(f"chip.yaml:4: {problem}"), told


def test_what_is_not_given_is_not_written(bench, base):
    from mgd_lab.experiment import resolved_mapping

    bench.write(CHIP % "cost_noise: {white: 0.1}", "chip.yaml")
    found = resolved_mapping(bench.load(base).experiment)["chip"]["imperfections"]
    assert found["cost_noise"] == {"white": 0.1, "pink": 0.0, "pink_octaves": 20}
    assert "resolution" not in found


def test_the_page_s_example_is_a_chip(bench, base):
    [text] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    bench.write(text, "chip.yaml")
    found = bench.load(base).experiment.chip.imperfections
    assert (found.resolution.bits, found.output.bits, found.stuck.at) == (4, 10, (-1.0, 1.0))


@pytest.mark.parametrize("key", Imperfections.model_fields)
def test_every_key_is_on_the_page(key):
    assert re.search(rf"^\| `{key}\b", PAGE, re.MULTILINE)
