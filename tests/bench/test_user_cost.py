"""A cost of the user's own, from its file to the rung that can compute it."""

import numpy as np
import pytest

from mgd_lab import run
from mgd_lab.bench.assembly import fit
from mgd_lab.bench.chips import build_chip
from mgd_lab.bench.task import data_set
from mgd_lab.errors import CapabilityError, ConfigurationError

COSTS = """
import numpy as np

some_text = "no function"


def huber(y, t):
    e = np.abs(y - t)
    return np.where(e < 0.5, 0.5 * e**2, 0.5 * (e - 0.25)).sum(axis=1)


def mse(y, t):
    return ((y - t) ** 2).mean(axis=1)


def mixed(y, t):
    return huber(y, t) * y.mean()


def summed(y, t):
    return np.full(len(y), huber(y, t).sum())


def no_number(y, t):
    return np.log(y[:, 0] - 1.0)


def coarse(y, t):
    return huber(y, t).astype(np.float32)


def failing(y, t):
    raise KeyError("no such thing")
"""
SIMULATED = {
    "driver": "scpi",
    "resource": "TCPIP0::own.cost::5025::SOCKET",
    "visa_library": "@sim",
    "simulated": {"instrument": "scpi_chip"},
}


@pytest.fixture
def own(load, tmp_path):
    (tmp_path / "my_cost.py").write_text(COSTS, encoding="utf-8")

    def make(function="huber", **changes):
        cost = {"file": "my_cost.py", "function": function}
        return load(task={"dataset": "parity", "cost": cost}, **changes)

    return make


def fitted(loaded):
    experiment = loaded.experiment
    with build_chip(experiment.chip) as chip:
        return fit(experiment, data_set(experiment.task, experiment.seed), chip)


def test_the_path_is_relative_to_the_experiment_file(own, tmp_path):
    assert own().experiment.task.cost.file == tmp_path / "my_cost.py"


@pytest.mark.parametrize("network", ["sigmoid", "softmax"])
def test_what_it_computes(own, network):
    layers = {"layers": [2, 2, 1], "output_activation": network}
    cost = fitted(own(chip={"network": layers})).cost
    assert (cost.kind, len(cost.sha256)) == ("user", 64)
    outputs, targets = np.array([[0.25], [1.0]]), np.array([[0.0], [0.0]], np.float32)
    np.testing.assert_array_equal(cost(outputs, targets), [0.03125, 0.375])


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("hubert", r"has no 'hubert'; it has np, some_text, huber"),
        ("some_text", "is a str, no function"),
        ("mixed", r"a row costs [\d.]+ among 64 rows and [\d.]+ among 1; .*to the last bit"),
        ("summed", r"a row costs .* must not depend on the samples beside it"),
        ("no_number", "gives nan for outputs .* a cost is a finite number"),
        ("coarse", r"gives float32 \(64,\) for 64 rows"),
        ("failing", "fails on outputs .*KeyError: 'no such thing'"),
    ],
)
def test_functions_that_are_refused(own, function, message):
    with pytest.raises(ConfigurationError, match=rf"^task\.cost: .*{message}"):
        fitted(own(function))


def test_a_file_that_is_missing(own, tmp_path):
    loaded = own()
    (tmp_path / "my_cost.py").unlink()
    with pytest.raises(ConfigurationError, match=r"my_cost\.py cannot be imported: .*no such file"):
        fitted(loaded)


def test_a_chip_in_this_process_computes_it(own):
    assert fitted(own()).rung == "generated"
    assert fitted(own(chip={"rung": "dense"})).rung == "dense"


def test_for_a_chip_behind_a_link_the_host_computes_it(own):
    chip = {**SIMULATED, "network": {"layers": [2, 2, 1]}}
    assert fitted(own(chip=chip)).rung == "forward"
    asked = own(chip={**chip, "rung": "signs"})
    with pytest.raises(CapabilityError, match=r"rung signs is not possible: task\.cost is a func"):
        fitted(asked)


def test_every_rung_gives_the_same_costs(own, tmp_path):
    theta = []
    for rung in ("forward", "cost", "dense", "signs", "generated"):
        result = run(own(chip={"rung": rung}), runs_dir=tmp_path / rung)
        theta.append((result.cost, result.accuracy))
    assert len(set(theta)) == 1
    # The same task under another cost ends elsewhere.
    other = run(own("mse"), runs_dir=tmp_path / "other")
    assert other.cost != theta[0][0]


def test_the_mean_of_squares_is_that_of_mse(own, load, tmp_path):
    mine = run(own("mse"), runs_dir=tmp_path / "mine")
    ours = run(load(), runs_dir=tmp_path / "ours")
    assert mine.cost == ours.cost
