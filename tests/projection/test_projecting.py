"""From runs on disk to times."""

import pytest

from mgd_lab.errors import ConfigurationError, ExperimentFileError, NoRunError
from mgd_lab.projection import Hardware, Target, load_hardware, project_runs

EVALUATIONS = ((0, 0.5, 0.4), (500, 0.3, 0.6), (1000, 0.1, 0.8))
CPU = {"device": "cpu", "device_name": "cpu, 2 threads"}
GPU = {"device": "cuda", "device_name": "cuda, some GPU"}


def only(report):
    (projection,) = report.projections
    return projection


def test_probes_to_the_target(write_run):
    found = only(project_runs([write_run(EVALUATIONS)], target=Target(accuracy=0.7)))
    assert found.run.way.reached is True
    assert found.run.way.split == "validation"
    assert (found.steps, found.probes, found.updates) == pytest.approx((750.0, 1500.0, 750.0))
    assert found.times[0].as_one_seconds == pytest.approx(1.5)
    assert [time.as_one_seconds for time in found.times] == [
        time.as_presentations_seconds for time in found.times
    ]


def test_a_batch_stands_in_two_columns(write_run):
    path = write_run(EVALUATIONS, probes_a_step=20, training={"batch": 10})
    found = only(project_runs([path]))
    assert found.batch == 10
    assert found.times[0].as_one_seconds == pytest.approx(2.0)
    assert found.times[0].as_presentations_seconds == pytest.approx(20.0)


def test_hardware_of_ones_own(write_run):
    mine = Hardware("mine", 1.0, input_seconds=0.1, write_seconds=10.0)
    found = only(project_runs([write_run(EVALUATIONS)], hardware=[mine]))
    assert found.times[-1].hardware is mine
    assert found.times[-1].as_one_seconds == pytest.approx(2000 + 100 + 10_000)


@pytest.mark.parametrize(
    ("evaluations", "target", "why"),
    [
        (EVALUATIONS, Target(accuracy=0.9), "the best accuracy evaluated is 0.8"),
        (EVALUATIONS, Target(cost=0.01), "the lowest cost evaluated is 0.1"),
        ((), Target(accuracy=0.5), "the run has no evaluations"),
        (((0, 0.5, None),), Target(accuracy=0.5), "evaluations have no accuracy; name a cost"),
    ],
)
def test_a_target_that_was_not_reached_is_told(write_run, evaluations, target, why):
    found = only(project_runs([write_run(evaluations)], target=target))
    assert found.run.way.reached is False
    assert why in found.run.way.why_not
    assert found.steps == 1000


def test_without_a_target_the_whole_run(write_run):
    found = only(project_runs([write_run(())]))
    assert found.run.way.reached is None
    assert (found.steps, found.probes) == (1000, 2000)


def test_a_reference_is_timed_to_the_same_target(write_run):
    paths = [write_run(EVALUATIONS), write_run(EVALUATIONS, reference=CPU)]
    report = project_runs(paths, target=Target(accuracy=0.7))
    measured, gpu = report.backpropagation
    assert measured.where == "cpu, 2 threads"
    # 750 of 1000 updates, 50 s in all; 10 samples each of 100.
    assert measured.seconds == pytest.approx(37.5)
    assert measured.note == "measured, 75 epochs"
    assert gpu.seconds is None
    assert "nor a figure published for parity" in gpu.note


def test_without_a_reference_that_is_said(write_run):
    here, _ = project_runs([write_run(EVALUATIONS)]).backpropagation
    assert here.seconds is None
    assert "mgd-lab reference" in here.note


def test_a_gpu_that_was_measured_replaces_the_published_figure(write_run):
    cifar = {
        "task": {"dataset": "cifar10"},
        "chip": {"driver": "emulated", "network": {"layers": [3072, 10]}},
    }
    run = write_run(EVALUATIONS, **cifar)
    _, published = project_runs([run]).backpropagation
    assert published.seconds == 480.0
    here, measured = project_runs(
        [run, write_run(EVALUATIONS, reference=CPU, **cifar), write_run(reference=GPU, **cifar)]
    ).backpropagation
    assert (here.where, measured.where) == ("cpu, 2 threads", "cuda, some GPU")
    assert measured.seconds == 50.0


def test_a_reference_that_missed_the_target_says_so(write_run):
    paths = [write_run(EVALUATIONS), write_run(EVALUATIONS[:2], reference=CPU)]
    line = project_runs(paths, target=Target(accuracy=0.7)).backpropagation[0]
    assert line.note == (
        "measured, 100 epochs; target not reached: the best accuracy evaluated is 0.6"
    )


def test_what_cannot_be_projected(write_run, tmp_path):
    reference = write_run(EVALUATIONS, reference=CPU)
    with pytest.raises(ConfigurationError, match="the runs named are references"):
        project_runs([reference])
    with pytest.raises(ConfigurationError, match="name one, or give --paper"):
        project_runs([])
    with pytest.raises(ConfigurationError, match="has done no step"):
        project_runs([write_run(steps=0)])
    with pytest.raises(NoRunError):
        project_runs([tmp_path / "nowhere"])
    other = write_run(
        task={"dataset": "nist7x7"}, chip={"driver": "emulated", "network": {"layers": [49, 4]}}
    )
    with pytest.raises(ConfigurationError, match=r"learnt another data set .*\(nist7x7\)"):
        project_runs([other, reference])


def test_a_hardware_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nread_seconds: 1.0e-6\nwrite_seconds: 2\n")
    assert load_hardware(file) == Hardware("mine", 1e-6, write_seconds=2.0, source=str(file))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: x\nread_seconds: 1\nwrit_seconds: 1\n", ":3: writ_seconds: unknown key; did you "),
        ("name: x\nread_seconds: 1\nzzz: 1\n", ":3: zzz: unknown key; the keys here are name, "),
        ("name: x\n", ":1: read_seconds: a required key is missing: a probe"),
        ("name: x\nread_seconds: fast\n", ":2: read_seconds: expected a valid number, got the te"),
        ("name: x\nread_seconds: 0\n", ":2: read_seconds: expected greater than 0, got 0"),
        ("name: x\nread_seconds: -.inf\n", ":2: read_seconds: expected"),
        ("- 1\n", "expected a mapping"),
    ],
)
def test_a_wrong_hardware_file(tmp_path, text, problem):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ExperimentFileError) as caught:
        load_hardware(file)
    assert problem in str(caught.value)
    assert str(caught.value).startswith(str(file))
