"""Keys of data sets that come in files, and what an official test split is for."""

import pytest

FILES = "{train_images: a.gz, train_labels: b, test_images: sub/c, test_labels: /d}"


def test_paths_of_files(bench):
    files = bench.load(f"chip: chip.yaml\ntask: {{dataset: idx, files: {FILES}}}").experiment
    files = files.task.files
    assert files.train_images == bench.folder / "a.gz"
    assert files.train_labels == bench.folder / "b"
    assert files.test_images == bench.folder / "sub/c"
    assert str(files.test_labels) == "/d"
    task = bench.load("chip: chip.yaml\ntask: {dataset: cifar10, folder: data}").experiment.task
    assert task.folder == bench.folder / "data"
    assert (task.train_batches, task.checksums) == (5, "official")


def test_fractions_of_digits(bench):
    split = bench.load("chip: chip.yaml\ntask: {dataset: digits}").experiment.task.split
    assert (split.validation, split.test) == (0, 0.2)


@pytest.mark.parametrize("dataset", ["fashion_mnist", "cifar10", f"idx, files: {FILES}"])
def test_an_official_test_split_can_be_evaluated(bench, dataset):
    text = f"chip: chip.yaml\ntask: {{dataset: {dataset}}}\nevaluate: {{split: test}}\n"
    assert bench.load(text).experiment.task.has_official_test
    assert bench.problems(f"{text}training: {{finish: best}}") == [
        "tiny.yaml:3: evaluate.split: training.finish: best would choose parameters on "
        f"{dataset.split(',')[0]}'s official test split, which is for reporting; evaluate on "
        "validation (task.split.validation above 0)"
    ]


def test_a_validation_split_must_be_cut(bench):
    text = "chip: chip.yaml\ntask: {dataset: fashion_mnist%s}\nevaluate: {split: validation}\n"
    assert bench.problems(text % "") == [
        "tiny.yaml:3: evaluate.split: fashion_mnist has no validation split here; set "
        "task.split.validation above 0"
    ]
    task = bench.load(text % ", split: {validation: 0.1}").experiment.task
    assert task.split.validation == 0.1


def test_files_without_a_test_split(bench):
    text = (
        "chip: chip.yaml\ntask: {dataset: idx, files: {train_images: a, train_labels: b}%s}\n"
        "evaluate: {split: test}\n"
    )
    assert "idx has no test split here" in bench.problems(text % "")[0]
    assert not bench.load(text % ", split: {test: 0.1}").experiment.task.has_official_test
