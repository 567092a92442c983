"""From the keys of an experiment's task to its data set."""

import numpy as np
import pytest

from mgd_lab.bench.task import data_set, evaluation_set
from mgd_lab.experiment import Evaluate, Task


def taken(**keys):
    return data_set(Task.model_validate(keys), seed=3)


def test_official_sets(fashion, cifar, tmp_path):
    for small in (fashion, cifar):
        small.lay(tmp_path)
    keys = {"folder": tmp_path, "checksums": "any", "split": {"validation": 0.34}}
    data = taken(dataset="fashion_mnist", **keys)
    assert data.name == "fashion_mnist"
    assert [len(data.splits[name]) for name in ("train", "validation", "test")] == [6, 3, 4]
    data = taken(dataset="cifar10", train_batches=2, **keys)
    assert data.name == "cifar10"
    assert [len(data.splits[name]) for name in ("train", "validation", "test")] == [4, 2, 3]


def test_digits():
    pytest.importorskip("sklearn")
    data = taken(dataset="digits", split={"validation": 0.1})
    assert [len(data.splits[name]) for name in ("train", "validation", "test")] == [1258, 180, 359]


def test_evaluating_all_of_a_split_copies_nothing(fashion, tmp_path):
    fashion.lay(tmp_path)
    data = taken(dataset="fashion_mnist", folder=tmp_path, checksums="any")
    evaluated = evaluation_set(data, Evaluate(split="train"), seed=3)
    assert np.shares_memory(evaluated.inputs, data.inputs)
    some = evaluation_set(data, Evaluate(split="train", samples=4), seed=3)
    assert len(some.inputs) == 4
