# ruff: noqa: E501 (messages stand as one line each, as they are shown)
import numpy as np
import pytest

from mgd_lab.errors import ExperimentFileError
from mgd_lab.experiment import parse_override


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("a.b=3", "a.b", 3),
        ("a=1e5", "a", 100_000),
        ("a=x=y", "a", "x=y"),
        ("a=", "a", None),
        ("a={kind: cosine, steps: 3}", "a", {"kind": "cosine", "steps": 3}),
        ("a=[1, 0.5]", "a", [1, 0.5]),
        ("a='3'", "a", "3"),
        ("a=yes", "a", "yes"),
        ("a=true", "a", True),
    ],
)
def test_parse(text, key, value):
    parsed = parse_override(text)
    assert parsed == (key, value)
    assert type(parsed[1]) is type(value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a.b", "--set a.b: expected dotted.key=value"),
        ("=3", "--set =3: expected dotted.key=value"),
        ("a..b=3", "--set a..b: a part of the key between dots is empty"),
        ("a=[1", "--set a: YAML syntax error"),
        ("a=!x 3", "--set a: YAML tag !x is not allowed here"),
        ("a={b: 1, b: 2}", "--set a: b: key given twice"),
    ],
)
def test_what_cannot_be_parsed(text, words):
    with pytest.raises(ExperimentFileError) as caught:
        parse_override(text)
    assert str(caught.value).startswith(words)


def test_they_replace_values_of_both_files(bench, base):
    experiment = bench.load(
        base + "training: {update: {rule: adam, beta1: 0.5}}",
        overrides=[
            "training.batch=3",
            "training.batch=4",
            "training.update={rule: momentum}",
            "chip.network.layers.1=7",
            "chip.limits.parameters.high=2",
        ],
    ).experiment
    assert experiment.training.batch == 4
    assert experiment.training.update.rule == "momentum"
    assert experiment.chip.network.layers == (2, 7, 1)
    assert experiment.chip.limits.parameters.high == 2


def test_python_values(bench, base):
    experiment = bench.load(
        base,
        overrides={
            "training.perturbation.amplitude": (np.float32(0.5), 1),
            "stop.steps": np.int64(7),
            "task": {"dataset": "arrays", "file": bench.folder / "x.npz"},
        },
    ).experiment
    assert experiment.training.perturbation.amplitude == (0.5, 1.0)
    assert experiment.stop.steps == 7
    assert experiment.task.file == bench.folder / "x.npz"
    assert bench.problems(base, overrides={"seed": {1, 2}}) == [
        "override seed: expected what YAML can hold (numbers, text, lists, mappings with text "
        "keys), got set"
    ]


def test_half_a_character_from_python(bench, base):
    (line,) = bench.problems(base, overrides={"name": "\ud800"})
    assert line.startswith("override name: expected what YAML can hold")


def test_the_chip_itself(bench, base):
    bench.write("driver: scpi\nresource: X\n", "other.yaml")
    assert bench.load(base, overrides=["chip=other.yaml"]).experiment.chip.driver == "scpi"
    changes = ["chip.name=new", "chip={driver: scpi, resource: Y}"]
    chip = bench.load(base, overrides=changes).experiment.chip
    assert (chip.name, chip.resource) == ("new", "Y")
    assert bench.problems(base, overrides=["chip=x.yaml"], chip_file="chip.yaml") == [
        "--chip and --set chip both name a chip; give one of them"
    ]


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("training.bacth=3", "--set training.bacth: unknown key; did you mean 'training.batch'?"),
        ("trainin.batch=3", "--set trainin.batch: trainin: unknown key; did you mean 'training'?"),
        ("chip.nmae=3", "--set chip.nmae: unknown key; did you mean 'chip.name'?"),
        ("seed=x", "--set seed: expected a whole number, got the text 'x'"),
        ("stop={steps: 0}", "--set stop: stop.steps: expected a value of at least 1, got 0"),
        ("chip.network.layers.9=3", "--set chip.network.layers.9: chip.network.layers has 3 items; position 9 is beyond its end"),
        ("chip.network.layers.x=3", "--set chip.network.layers.x: chip.network.layers is a list; expected a position from 0 to 2, got 'x'"),
        ("name.x=3", "--set name.x: name is the text 'tiny', no mapping; it has no key 'x'"),
        ("chip=nowhere.yaml", "--set chip: nowhere.yaml: this chip file does not exist"),
        ("chip={driver: sdpi}", "--set chip: chip.driver: no driver 'sdpi' is installed; did you mean 'scpi'? (installed: emulated, scpi)"),
    ],
)  # fmt: skip
def test_problems_name_the_override_in_place_of_a_line(bench, base, override, line):
    assert bench.problems(base, overrides=[override]) == [line]


def test_problems_of_the_rest_keep_their_lines(bench, base):
    text = base + "training: {baseline_refresh_steps: 5}\n"
    assert bench.problems(text, overrides=["training.baseline=paired"]) == [
        "tiny.yaml:4: training.baseline_refresh_steps: baseline_refresh_steps has no meaning for "
        "baseline paired, which measures none; remove it"
    ]
