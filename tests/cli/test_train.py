import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import catgrad as cg
from catgrad.cli.saved_run import read_run
from catgrad.cli.training import Trainer


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(extent.to_bytes(4, "big") for extent in array.shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))


@pytest.fixture
def clothes(tmp_path):
    """A folder of tiny files in Fashion-MNIST's format: class k is an image with row k bright."""
    folder = tmp_path / "clothes"
    folder.mkdir()
    for part, count in (("train", 60), ("t10k", 20)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = np.zeros((count, 28, 28), np.uint8)
        images[np.arange(count), labels] = 255
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", labels)
    return folder


@pytest.mark.usefixtures("without_ir")
def test_digits_reach_their_accuracy_with_the_same_numbers_each_time(result):
    first = result("train", "digits", "--save", "first")
    assert first["test_accuracy"] >= 0.97
    assert first["test_examples"] / first["train_examples"] == pytest.approx(1 / 3, rel=0.01)
    second = result("train", "digits", "--save", "second")
    assert [first[key] for key in ("losses", "accuracies")] == [second[key] for key in ("losses", "accuracies")]
    one, other = (load_file(run["files"]["parameters"]) for run in (first, second))
    assert {path: value.tobytes() for path, value in one.items()} == {p: v.tobytes() for p, v in other.items()}
    third = result("train", "digits", "--epochs", 1, "--seed", 1)
    assert third["losses"][0] != first["losses"][0]


@pytest.mark.usefixtures("without_ir")
def test_iris_is_learned_by_a_hidden_layer(result):
    run = result("train", "iris")
    assert run["train_accuracy"] >= 0.97
    assert run["test_accuracy"] is None
    assert run["settings"]["model"] == "hidden"


@pytest.mark.usefixtures("without_ir")
@pytest.mark.parametrize(("model", "least", "biases"), [("linear", 0.75, 0), ("dense", 0.9, 1)])
def test_iris_by_smaller_models(result, model, least, biases):
    run = result("train", "iris", "--model", model)
    assert run["train_accuracy"] >= least
    shapes = {path: value.shape for path, value in load_file(run["files"]["parameters"]).items()}
    assert [shape for path, shape in shapes.items() if path.endswith("bias")] == [(3,)] * biases


@pytest.mark.usefixtures("without_ir")
def test_fashion_mnist_is_read_from_a_folder(result, clothes):
    run = result("train", "fashion-mnist", "--data", clothes, "--batch", 16, "--hidden", 32, "--epochs", 20)
    assert run["steps"] == 20 * (60 // 16)
    assert run["test_accuracy"] >= 0.9


def test_a_run_leaves_what_it_says(command):
    code, out, err = command("train", "digits", "--epochs", 1, "--optimizer", "sgd", "--lr", 0.5, "--save", "here")
    assert (code, err) == (0, "")
    assert "450 held-back examples" in out
    assert "here/model.dot" in out
    assert "catgrad show here --step --stage asm" in out
    record = json.loads(Path("here/run.json").read_text())
    assert (record["settings"]["optimizer"], record["settings"]["rate"], record["steps"]) == ("sgd", 0.5, 1347 // 32)
    assert read_run(Path("here")).settings.rate == 0.5
    stages = [stage for path in sorted(Path("here/ir").iterdir()) for stage in [path.stem.partition("-")[2]]]
    assert stages == list(cg.stages())


@pytest.mark.usefixtures("without_ir")
@pytest.mark.parametrize("installed", [True, False])
def test_the_diagram_is_svg_where_graphviz_is_installed(result, tmp_path, monkeypatch, installed):
    tools = tmp_path / "tools"
    tools.mkdir()
    if installed:
        (tools / "dot").write_text("#!/bin/sh\necho '<svg/>'\n")
        (tools / "dot").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    files = result("train", "iris", "--epochs", 1, "--save", "here")["files"]
    assert files["diagram"] == ["here/model.dot", "here/model.svg"][: 1 + installed]
    assert Path("here/model.dot").read_text().startswith("digraph")
    assert Path("here/model.svg").exists() is installed


@pytest.mark.usefixtures("without_ir")
def test_quiet_says_the_accuracy_alone(command):
    code, out, err = command("train", "iris", "--epochs", 1, "--quiet")
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert "of the 150 examples learned from" in out


@pytest.mark.usefixtures("without_ir")
def test_a_loss_that_is_no_number_is_null(result):
    assert None in result("train", "iris", "--model", "linear", "--lr", 1e6, "--epochs", 50)["losses"]


def test_where_nothing_can_be_written_nothing_is_trained(command, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(Trainer, "run", lambda *_, **__: pytest.fail("it was trained"))
    code, out, err = command("train", "iris", "--save", "file/below", "--quiet")
    assert (code, out) == (1, "")
    assert "file/below" in err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["fashion-mnist", "--data", "nowhere"], "apt-get install dataset-fashion-mnist"),
        (["digits", "--data", "nowhere"], "comes with scikit-learn"),
        (["digits", "--hidden", "100000000000"], "and there are"),
        (["digits", "--hidden", "100000000000"], "choose a smaller --hidden, now 100000000000"),
        (["digits", "--batch", "5000"], "a batch of 5000 is more than the 1347 training examples"),
    ],
)
def test_what_cannot_be_trained_is_one_line(command, argv, message):
    code, out, err = command("train", *argv, "--quiet", "--epochs", 1)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1


def test_an_empty_target_is_none(command):
    code, _, err = command("train", "iris", "--target", "")
    assert (code, "unknown target ''" in err) == (1, True)


def test_only_a_hidden_layer_has_a_width(command):
    code, out, err = command("train", "iris", "--model", "linear", "--hidden", "5")
    assert (code, out) == (1, "")
    assert "--hidden: the model linear has no hidden layer" in err
