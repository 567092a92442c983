import numpy as np

from mgd_lab.datasets import CLASSES, accuracy, nist7x7


def test_44136_distinct_images_in_four_equal_classes():
    data = nist7x7()
    assert data.inputs.shape == (44_136, 49)
    assert data.targets.shape == (44_136, 4)
    assert data.inputs.dtype == data.targets.dtype == np.float32
    assert set(np.unique(data.inputs)) == {0.0, 1.0}
    pairs = np.packbits(np.hstack([data.inputs, data.targets]).astype(np.uint8), axis=1)
    assert len(np.unique(pairs, axis=0)) == 44_136
    np.testing.assert_array_equal(data.targets.sum(axis=0), 11_034)
    assert data.target_kind == "one_hot"
    assert "reconstruction" in data.description


def test_a_least_squares_classifier_gets_93_percent():
    data = nist7x7()
    design = np.hstack([data.inputs, np.ones((len(data.inputs), 1))]).astype(np.float64)
    weights = np.linalg.solve(design.T @ design, design.T @ data.targets)
    found = accuracy(design @ weights, data.targets, "one_hot")
    assert found is not None
    assert round(100 * found, 2) == 93.01


def test_order_letter_then_shift_then_flips():
    images = nist7x7().inputs.reshape(4, 9, 1226, 7, 7)
    n = images[CLASSES.index("N"), 0, 0]
    np.testing.assert_array_equal(n[0], [1, 0, 0, 0, 1, 0, 0])
    np.testing.assert_array_equal(n[1], [1, 1, 0, 0, 1, 0, 0])
    np.testing.assert_array_equal(n[5:], 0)
    # One to the right, one down.
    np.testing.assert_array_equal(images[0, 1, 0][:, 1:], n[:, :-1])
    np.testing.assert_array_equal(images[0, 3, 0][1:], n[:-1])
    t = images[CLASSES.index("T"), 8, 0]
    np.testing.assert_array_equal(t[2], [0, 0, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(t[3:, 4], 1)
    flipped = (images[2, 4] != images[2, 4, 0]).reshape(1226, 49)
    np.testing.assert_array_equal(np.flatnonzero(flipped[1]), [0])
    np.testing.assert_array_equal(np.flatnonzero(flipped[49]), [48])
    np.testing.assert_array_equal(np.flatnonzero(flipped[50]), [0, 1])
    np.testing.assert_array_equal(np.flatnonzero(flipped[51]), [0, 2])
    np.testing.assert_array_equal(np.flatnonzero(flipped[1225]), [47, 48])


def test_a_tenth_is_held_out():
    data = nist7x7(seed=3)
    inputs, targets = data.split("test")
    assert len(inputs) == len(targets) == 4_414
    assert len(data.splits["train"]) == 44_136 - 4_414
    assert not np.array_equal(nist7x7(seed=4).splits["test"], data.splits["test"])
    np.testing.assert_array_equal(nist7x7(seed=3).splits["test"], data.splits["test"])
