"""The data set that a task names, split, and fitted to chip and cost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mgd_lab.bench.user_cost import user_cost
from mgd_lab.chip import ChipDescription
from mgd_lab.codes import Stream, permutation
from mgd_lab.controller import EvaluationSet
from mgd_lab.costs import CostFunction
from mgd_lab.datasets import (
    DataSet,
    ImageFiles,
    arrays,
    cifar10,
    digits,
    fashion_mnist,
    idx_images,
    nist7x7,
    parity,
)
from mgd_lab.errors import ConfigurationError, DataError, LimitError
from mgd_lab.experiment import Evaluate, Task
from mgd_lab.experiment.task import UserCost


def data_set(task: Task, seed: int) -> DataSet:
    """Loads and splits; DataError where it is missing or damaged."""
    validation, test = task.split.validation, task.split.test
    if task.dataset == "parity":
        return parity(task.bits, seed, validation, test)
    if task.dataset == "nist7x7":
        return nist7x7(seed, validation, test)
    if task.dataset == "digits":
        return digits(seed, validation, test)
    if task.dataset == "fashion_mnist":
        return fashion_mnist(seed, validation, folder=task.folder, checksums=task.checksums)
    if task.dataset == "cifar10":
        return cifar10(
            seed,
            validation,
            train_batches=task.train_batches,
            folder=task.folder,
            checksums=task.checksums,
        )
    if task.dataset == "idx":
        return _idx(task, seed)
    if task.file is None:
        raise DataError("task.file: dataset arrays needs the path of a .npz or .csv file")
    return arrays(task.file, targets=task.targets, seed=seed, validation=validation, test=test)


def _idx(task: Task, seed: int) -> DataSet:
    files = task.files
    if files is None:
        raise DataError("task.files: dataset idx needs train_images and train_labels")
    official_test = None
    if files.test_images is not None and files.test_labels is not None:
        official_test = ImageFiles(files.test_images, files.test_labels)
    return idx_images(
        ImageFiles(files.train_images, files.train_labels),
        official_test,
        seed=seed,
        validation=task.split.validation,
        test=task.split.test,
    )


def cost_function(
    task: Task, description: ChipDescription, targets: NDArray[np.float32]
) -> CostFunction:
    """The task's cost, for outputs of the chip's kind; one of the user's own is tried on targets.

    Raises:
        ConfigurationError: a cost of the user's own is not as it must be.
    """
    if isinstance(task.cost, UserCost):
        return user_cost(task.cost, description, targets)
    return CostFunction(
        task.cost,
        label_smoothing=task.label_smoothing,
        probabilities=description.output_kind == "probabilities",
    )


def check_fit(data: DataSet, task: Task, description: ChipDescription) -> None:
    """Widths and kind of target; ConfigurationError says which does not fit.

    Inputs beyond the chip's range, in whatever split, raise LimitError.
    """
    chip = f"chip {description.name!r}"
    inputs, outputs = data.inputs.shape[1], data.targets.shape[1]
    if inputs != description.inputs:
        raise ConfigurationError(
            f"task.dataset: {data.name} has {inputs} inputs a sample, {chip} has "
            f"{description.inputs}"
        )
    if outputs != description.outputs:
        raise ConfigurationError(
            f"task.dataset: {data.name} has {outputs} targets a sample, {chip} has "
            f"{description.outputs} outputs"
        )
    if task.cost == "cross_entropy" and data.target_kind != "one_hot":
        raise ConfigurationError(
            f"task.cost: cross_entropy needs one-hot or label targets; those of {data.name} are "
            f"of the kind {data.target_kind!r}. Use cost: mse"
        )
    low, high = float(data.inputs.min()), float(data.inputs.max())
    # NaN is beyond any range.
    if not (low >= description.input_low and high <= description.input_high):
        unit = f" {description.input_unit}" if description.input_unit else ""
        raise LimitError(
            f"task.dataset: the inputs of {data.name} span [{low:g}, {high:g}]{unit}, {chip} takes "
            f"[{description.input_low:g}, {description.input_high:g}]{unit}; scale them. Nothing "
            "was energised"
        )


def evaluation_set(data: DataSet, evaluate: Evaluate, seed: int) -> EvaluationSet:
    """The samples to evaluate on: all of a split, or some of it, drawn by the seed."""
    inputs, targets = data.split(evaluate.split)
    if evaluate.samples == "all":
        # No copy: the samples of a data set may fill much of the memory.
        return EvaluationSet(evaluate.split, inputs, targets, data.target_kind)
    if evaluate.samples > len(inputs):
        raise ConfigurationError(
            f"evaluate.samples asks for {evaluate.samples} samples; the {evaluate.split} split of "
            f"{data.name} has {len(inputs)}"
        )
    # Drawn, because data sets come sorted by class. Index 0 of this stream made the splits.
    drawn = permutation(seed, Stream.SPLIT, 1, len(inputs))[: evaluate.samples]
    chosen = np.sort(drawn)
    return EvaluationSet(evaluate.split, inputs[chosen], targets[chosen], data.target_kind)
