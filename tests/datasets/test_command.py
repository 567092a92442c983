"""`mgd-lab data`, and a run on files of the user's own."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from mgd_lab.cli.app import app
from mgd_lab.datasets.files import OFFICIAL_SETS


@pytest.fixture
def call(cache, fashion, cifar, monkeypatch):
    """The command line, in a world where the data sets are small."""
    for small in (fashion, cifar):
        monkeypatch.setitem(OFFICIAL_SETS, small.official.name, small.official)

    def call(*words):
        result = CliRunner().invoke(app, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return call


def test_list(call, cache, cifar):
    ended = call("data", "list")
    assert ended.exit_code == 0
    lines = [line.split() for line in ended.stdout.splitlines()]
    assert [line[0] for line in lines[1:]] == ["nist7x7", "digits", "fashion_mnist", "cifar10"]
    assert lines[3][-5:] == ["here:", "mgd-lab", "data", "fetch", "fashion_mnist"]
    assert "28 x 28" in ended.stdout
    (cifar.lay(cache) / "data_batch_3.bin").unlink()
    ended = call("data", "list")
    assert f"{cache / 'cifar-10-batches-bin'} lacks 1 of 6 files" in ended.stdout


def test_fetch_verify_path(call, cache, fashion, tmp_path):
    source = fashion.lay(tmp_path / "source")
    folder = cache / "fashion-mnist"
    for command in ("verify", "path"):
        ended = call("data", command, "fashion_mnist")
        assert ended.exit_code == 2
        assert "mgd-lab data fetch fashion_mnist --from FOLDER" in ended.stderr
        assert ended.stdout == ""
    ended = call("data", "fetch", "fashion_mnist", "--from", source)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout == f"Fashion-MNIST: fetched and verified: {folder}\n"
    ended = call("data", "fetch", "fashion_mnist")
    assert ended.stdout == f"Fashion-MNIST: is here already, verified: {folder}\n"
    assert call("data", "path", "fashion_mnist").stdout == f"{folder}\n"
    ended = call("data", "verify")
    assert ended.exit_code == 0
    assert ended.stdout.count(": the official contents\n") == 4
    assert ended.stdout.endswith("CIFAR-10: not here\n")
    path = folder / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[::-1])
    ended = call("data", "verify", "fashion_mnist")
    assert ended.exit_code == 2
    assert f"{path}: contents have SHA-256" in ended.stdout
    assert ended.stderr == (
        "error: 1 of 4 files is not the official one; move it away. mgd-lab data fetch brings "
        "what is not there\n"
    )
    for name in ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte"):
        next(folder.glob(f"{name}*")).unlink()
    ended = call("data", "verify", "fashion_mnist")
    assert ended.exit_code == 2
    assert "2 of 4 files are missing; 1 of 4 files is not the official one; " in ended.stderr
    path.unlink()
    ended = call("data", "verify", "fashion_mnist")
    assert ended.stderr.startswith("error: 3 of 4 files are missing. mgd-lab data fetch ")
    assert call("data", "path", "fashion_mnist", "--folder", tmp_path).exit_code == 2


def test_wrong_calls(call):
    for words in (("fetch", "mnist"), ("path", "digits"), ("verify", "x"), ("find",), ("fetch",)):
        assert call("data", *words).exit_code == 2
    assert "fashion_mnist, cifar10" in call("data", "fetch", "mnist").stderr
    for command in ("fetch", "path", "verify"):
        told = call("data", command, "nope").stderr
        assert "error: there is no data set 'nope' (data sets with files are fashion_" in told
    assert "no data set 'cifar'; did you mean 'cifar10'? (" in call("data", "path", "cifar").stderr
    for name in ("nist7x7", "digits", "parity", "idx", "arrays"):
        assert f"data set '{name}' has no files to fetch (" in call("data", "path", name).stderr


def test_fetch_tells_what_to_do_without_internet(call):
    pytest.importorskip("pooch")
    ended = call("data", "fetch", "cifar10", "--from", "http://127.0.0.1:1/")
    assert ended.exit_code == 2
    assert "no connection" in ended.stderr
    assert "Without: on a computer that has it, download" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_run_on_idx_files(call, tmp_path, idx_bytes, monkeypatch):
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 2, 60).astype(np.uint8)
    images = (labels[:, None, None] * 200 + generator.integers(0, 40, (60, 2, 2))).astype(np.uint8)
    for part, rows in (("train", slice(40)), ("test", slice(40, 60))):
        (tmp_path / f"{part}-images").write_bytes(idx_bytes(images[rows]))
        (tmp_path / f"{part}-labels").write_bytes(idx_bytes(labels[rows]))
    names = ("train_images", "train_labels", "test_images", "test_labels")
    files = ", ".join(f"{name}: {name.replace('_', '-')}" for name in names)
    (tmp_path / "two.yaml").write_text(
        "chip: {driver: emulated, network: {layers: [4, 2]}}\n"
        f"task: {{dataset: idx, files: {{{files}}}, split: {{validation: 0.25}}}}\n"
        "training: {update: {learning_rate: 0.5}}\n"
        "stop: {steps: 2000}\nevaluate: {split: test}\n"
    )
    ended = call("run", "two.yaml", "--json")
    assert ended.exit_code == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1])["accuracy"] > 0.9
