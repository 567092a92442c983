"""`mgd-lab project`: the table, the JSON line, the picture, and what it refuses."""

import pytest

HARDWARE = "name: my chip\nread_seconds: 1.0e-3\nwrite_seconds: 0.01\n"


@pytest.fixture
def run(desk):
    ended = desk.call("run", "tiny.yaml", "--set", "training.batch=4", "--json")
    assert ended.code == 0
    return ended.last["run"]


def test_the_published_table(desk):
    ended = desk.call("project", "--paper", "--json")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[1].split("batch")[0] == "  20,000,000 steps, 20,000,000,000 probes, "
    words = [" ".join(line.split()) for line in lines]
    assert "chip in the loop, 1 ms a probe 5.6 h 230 d published: 5.6 h" in words
    assert "compute-in-memory, 10 ns a probe 200 ms 200 s published: 200 ms" in words
    assert any(
        line.startswith("superconducting or photonic, 200 ps a probe 4 ms") for line in words
    )
    assert any(line.startswith("backpropagation, a GPU 480 s 480 s") for line in words)
    times = ended.last["runs"][0]["hardware"]
    assert [time["batch_as_one_probe_seconds"] for time in times] == [2e4, 0.2, 4e-3]


def test_a_run_on_named_hardware_and_on_ones_own(desk, run):
    desk.write("mine.yaml", HARDWARE)
    ended = desk.call("project", run, "--hardware", "mine.yaml", "--json", "-o", "times.svg")
    assert ended.code == 0
    assert "the whole run, no target was named (simulated)" in ended.out
    assert "a batch as one probe  as B presentations" in ended.out
    assert (desk.folder / "times.svg").stat().st_size > 1000
    (found,) = ended.last["runs"]
    # 200 steps, a baseline and a perturbed probe each, of 4 samples.
    assert (found["probes"], found["batch"], found["updates"]) == (1600, 4, 200)
    mine = found["hardware"][-1]
    assert mine["name"] == "my chip"
    assert mine["batch_as_one_probe_seconds"] == pytest.approx(0.4 + 2.0)
    assert mine["batch_as_presentations_seconds"] == pytest.approx(1.6 + 2.0)
    assert [line["seconds"] for line in ended.last["backpropagation"]] == [None, None]


def test_a_target_that_was_never_reached(desk, run):
    ended = desk.call("project", run, "--cost", "1e-9", "--json")
    assert ended.code == 0
    assert "the whole run, since a cost of 1e-09 was not reached: the lowest cost" in ended.out
    assert ended.last["runs"][0]["target_reached"] is False
    assert ended.last["target"] == {"accuracy": None, "cost": 1e-9}


def test_a_target_that_was(desk, run):
    ended = desk.call("project", run, "--target", "0.25", "--json")
    assert "to an accuracy of 0.25 on the train split (simulated)" in ended.out
    assert ended.last["runs"][0]["target_reached"] is True


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "project needs the run of a chip"),
        (["RUN", "--target", "0.5", "--cost", "0.1"], "--target and --cost both name a target"),
        (["RUN", "--target", "70"], "--target: expected an accuracy above 0 to 1, got 70"),
        (["RUN", "--cost", "nan"], "--cost: expected a cost above 0, got nan"),
        (["--paper", "RUN"], "--paper stands alone"),
        (["RUN", "--hardware", "bad.yaml"], "bad.yaml:2: raed_seconds: unknown key; did you mean"),
        (["RUN", "--hardware", "none.yaml"], "none.yaml"),
        (["nowhere"], "no run at nowhere"),
        (["RUN", "-o", "times.gif"], "names no known format"),
    ],
)
def test_wrong_calls(desk, run, arguments, message):
    desk.write("bad.yaml", "name: x\nraed_seconds: 1\nread_seconds: 1\n")
    ended = desk.call("project", *(run if word == "RUN" else word for word in arguments))
    assert ended.code == 2
    assert message in ended.err
    assert "Traceback" not in ended.err
