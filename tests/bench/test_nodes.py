"""What node perturbation needs, and what does not go with it, is told by name."""

import pytest

from mgd_lab.bench import check, checking
from mgd_lab.errors import CapabilityError, ConfigurationError
from sim_instruments.perturbed_nodes import PerturbedNodes

RESOURCE = "TCPIP0::nodes::5025::SOCKET"
BEHIND_A_WIRE = {
    "driver": "scpi",
    "resource": RESOURCE,
    "visa_library": "@sim",
    "simulated": {"instrument": "scpi_chip", "resource": RESOURCE},
}


@pytest.fixture(autouse=True)
def _short_rehearsal(monkeypatch):
    monkeypatch.setattr(checking, "_REHEARSAL_SECONDS", 0.01)


@pytest.fixture
def judged(load, tmp_path):
    """What `check` says of an experiment that perturbs nodes."""

    def judge(chip=None, perturbation=None, **training):
        given = {"perturbation": {"target": "nodes", **(perturbation or {})}, **training}
        return check(load(chip=chip or {}, training=given), runs_dir=tmp_path / "runs")

    return judge


def test_check_tells_the_nodes(judged):
    report = judged(perturbation={"amplitude": [0.05, 0.1]}, baseline="paired")
    assert (report.parameters, report.nodes) == (9, 3)
    assert report.probes == 3 * report.steps
    # Four bytes a node and twelve more a probe; what entered both layers; θ with each update.
    assert report.link_bytes == 150 * (4 * 3 + 12) + 50 * 8 * 4 + 50 * 4 * 9


def test_a_chip_behind_a_wire_is_named(judged):
    with pytest.raises(CapabilityError, match=r"'bench chip' lacks the capability PerturbsNodes"):
        judged(chip=BEHIND_A_WIRE)


def test_a_network_whose_layers_are_not_known_is_named():
    class Unknown:
        title = "Net 2-1"

    with pytest.raises(CapabilityError, match=r"those of Net 2-1 are not.*target: parameters"):
        PerturbedNodes(Unknown())


@pytest.mark.parametrize(
    ("chip", "perturbation", "message"),
    [
        ({"rung": "dense"}, {}, r"chip\.rung: dense"),
        ({"precision": "float32"}, {}, r"chip\.precision: float32"),
        ({}, {"amplitude": [0.1]}, r"lists 1 numbers.*each of the 2 layers"),
        ({}, {"amplitude": 1e-60}, r"amplitude must be normal float32"),
    ],
)
def test_what_does_not_go_with_nodes_is_refused(judged, chip, perturbation, message):
    with pytest.raises(ConfigurationError, match=message):
        judged(chip, perturbation)


def test_a_locked_order_of_samples_is_judged_by_the_codes_of_nodes(judged):
    times = {"tau_p": 4, "tau_x": 4, "tau_theta": 12}
    cyclic = {"time_constants": times, "samples": {"order": "cyclic"}}
    # Three sequential codes and four samples share no factor; eight codes of Walsh do.
    judged(perturbation={"kind": "sequential"}, **cyclic)
    with pytest.raises(ConfigurationError, match="8 walsh codes"):
        judged(perturbation={"kind": "walsh"}, **cyclic)
