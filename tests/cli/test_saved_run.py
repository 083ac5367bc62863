"""Validation of a saved run: its record and parameters are checked against the model before they are used."""

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from catgrad.cli.artifacts import write
from catgrad.cli.saved_run import _LARGEST_RECORD, own_files
from catgrad.cli.tasks import MOST_EPOCHS, TASKS
from catgrad.parameters import to_safetensors

SETTINGS = TASKS["iris"].settings(model="dense")
BUILD = "build", "run", "-o", "out", "--what", "predict", "--target", "cpu:x86-64-v2"


@pytest.fixture
def run(tmp_path):
    """The folder of a run that has not learned anything."""
    (tmp_path / "run").mkdir()
    write(tmp_path / "run", {}, SETTINGS.learner.init(), {"settings": asdict(SETTINGS)}, finished=True)
    return tmp_path / "run"


def replaced(change):
    """A change of the arrays."""

    def damage(path):
        path.write_bytes(to_safetensors(change(load_file(path))))

    return damage


def emptied(path):
    path.unlink()


def a_folder(path):
    path.unlink()
    path.mkdir()


def a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def an_endless_device(path):
    path.unlink()
    path.symlink_to("/dev/zero")


def header(text, data=b""):
    """Write a file with a header and its data."""
    return lambda path: path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def of_weight(change):
    return lambda arrays: {**arrays, "linear.weight": change(arrays["linear.weight"])}


def with_nan(array):
    return np.where(np.arange(array.size).reshape(array.shape) == 1, np.float32("nan"), array)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (replaced(of_weight(lambda w: w.T)), "parameters['linear.weight'] must be f32[3, 4], got f32[4, 3]"),
        (replaced(of_weight(lambda w: w.astype(np.float64))), "must be f32[3, 4], got f64[3, 4]"),
        (replaced(of_weight(lambda w: w[0, 0])), "must be f32[3, 4], got f32[]"),
        (replaced(of_weight(with_nan)), "parameters['linear.weight'] must be finite: 1 of 12 numbers are not"),
        (replaced(of_weight(lambda w: np.full_like(w, np.inf))), "must be finite: 12 of 12 numbers are not"),
        (replaced(lambda p: {"weight": p["linear.weight"]}), "the model has the parameters ['linear.bias', 'linear."),
        (replaced(lambda p: {**p, "more": np.zeros(2)}), "given ['linear.bias', 'linear.weight', 'more']"),
        (replaced(lambda p: {}), "given []"),
        (replaced(of_weight(lambda w: w + 1)), "is not the file that the run of run.json wrote"),
        (header(b'{"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}', b"0"), "'a' is of dtype F8_E4M3"),
        (header(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9]}}', b"0"), "no safetensors file"),
        (header(b"[" * 100_000), "no safetensors file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "it is damaged, or no safetensors file"),
        (lambda path: path.write_bytes(path.read_bytes()[:20]), "it is damaged, or no safetensors file"),
        (lambda path: path.write_bytes(b"\xff" * 200), "it is damaged, or no safetensors file"),
        (lambda path: path.write_bytes(b""), "it is damaged, or no safetensors file"),
        (emptied, "cannot be read: No such file"),
        (a_folder, "is no regular file"),
        (a_pipe, "is no regular file"),
        (an_endless_device, "is no regular file"),
    ],
)
def test_parameters_that_do_not_fit_are_not_built(command, run, damage, message):
    damage(run / "parameters.safetensors")
    code, out, err = command(*BUILD)
    assert (code, out) == (1, "")
    assert err.startswith("error: run/parameters.safetensors ")
    assert message in err
    assert err.count("\n") == 1
    assert not Path("out").exists()


def test_parameters_that_fit_are_built(command, run, monkeypatch):
    monkeypatch.setattr("catgrad.export.toolchain.link", lambda *_: b"")
    shutil.copytree(run, "copy")
    code, _, err = command(BUILD[0], "copy", *BUILD[2:], "--name", "net")
    assert (code, err) == (0, "")
    assert Path("out/parameters.safetensors").read_bytes() == (run / "parameters.safetensors").read_bytes()


def test_a_library_with_the_name_of_a_dataset_is_no_run_of_it(tmp_path, monkeypatch):
    from catgrad.cli.building import Model

    monkeypatch.chdir(tmp_path)
    Path("iris").mkdir()
    Path("iris/parameters.safetensors").write_bytes(b"of a library")
    assert Model("iris:dense").parameters.keys() == {"linear.bias", "linear.weight"}
    assert Model("iris").parameters.keys() > {"hidden.linear.bias"}


USUAL = asdict(SETTINGS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"settings": ' + '{"a": ' * 50_000 + "1" + "}" * 50_001, "nested too deeply"),
        (json.dumps({"settings": {**USUAL, "color": "red"}}), "'color'"),
        (json.dumps({"settings": {**USUAL, "more": [[[1]]]}}), "'more'"),
        (json.dumps({"settings": USUAL, "color": "red"}), "'color'"),
        (json.dumps({"settings": {**USUAL, "hidden": -1}}), "hidden must be an integer that is at least 1, got -1"),
        (json.dumps({"settings": {**USUAL, "hidden": True}}), "hidden must be an integer that is at least 1, got True"),
        (json.dumps({"settings": {**USUAL, "hidden": 10**30}}), "hidden must be an integer that is at least 1"),
        ('{"settings": {"hidden": ' + "9" * 5000 + "}}", "is not what `catgrad train --save` writes"),
        (json.dumps({"settings": {**USUAL, "batch": 0}}), "batch must be an integer that is at least 1, got 0"),
        (
            json.dumps({"settings": {**USUAL, "rate": float("nan")}}),
            "rate must be a number of f32 that is at least 0, got nan",
        ),
        (
            json.dumps({"settings": {**USUAL, "rate": -1.0}}),
            "rate must be a number of f32 that is at least 0, got -1.0",
        ),
        (json.dumps({"settings": {**USUAL, "rate": 1e300}}), "a number of f32 that is at least 0, got 1e+300"),
        (
            json.dumps({"settings": {**USUAL, "model": "deep"}}),
            "model must be one of linear, dense, hidden, got 'deep'",
        ),
        (json.dumps({"settings": {**USUAL, "dataset": [1]}}), "dataset must be one of iris, digits, fashion-mnist"),
        (json.dumps({"settings": {**USUAL, "optimizer": {}}}), "optimizer must be one of sgd, adam, got {}"),
        ("\udcff", "is not what `catgrad train --save` writes"),
    ],
)
def test_settings_that_are_none(command, run, text, message):
    (run / "run.json").write_bytes(text.encode(errors="surrogateescape"))
    for argv in (("show", "run"), BUILD, ("gpu-report", "run", "--no-run")):
        code, out, err = command(*argv)
        assert (code, out) == (1, "")
        assert "run is not what `catgrad train --save` writes" in err
        assert message in err
        assert err.count("\n") == 1
        assert len(err) < 600


@pytest.mark.parametrize("damage", [emptied, a_folder, a_pipe, an_endless_device])
def test_a_record_that_cannot_be_read(command, run, damage):
    damage(run / "run.json")
    code, out, err = command("show", "run")
    assert (code, out) == (1, "")
    assert "run is not what `catgrad train --save` writes" in err


def enlarged(path):
    """Make a file of 64 GiB, of which hardly anything is on the disk."""
    os.truncate(path, 1 << 36)


def with_a_long_header(path):
    path.write_bytes((1 << 35).to_bytes(8, "little"))
    enlarged(path)


@pytest.mark.parametrize("damage", [enlarged, with_a_long_header])
@pytest.mark.parametrize("name", ["parameters.safetensors", "run.json"])
def test_what_is_larger_than_it_can_be_is_not_read(command, run, damage, name):
    damage(run / name)
    code, out, err = command(*BUILD)
    assert (code, out) == (1, "")
    assert ("it is damaged, or no safetensors file" in err) == (name == "parameters.safetensors")
    assert ("more than the 67,108,864 that are read" in err) == (name == "run.json")


@pytest.mark.parametrize("name", ["parameters.safetensors", "run.json", "model.svg"])
def test_what_is_larger_than_it_can_be_is_not_written_over(run, name):
    write(run, {"model.svg": "drawn"}, SETTINGS.learner.init(), {"settings": asdict(SETTINGS)}, finished=True)
    assert own_files(run) == {"run.json", "parameters.safetensors", "model.svg"}
    enlarged(run / name)
    assert own_files(run) == (
        set() if name == "run.json" else {"run.json", "parameters.safetensors", "model.svg"} - {name}
    )


@pytest.mark.slow
def test_the_record_of_the_longest_run_can_be_read():
    number = -1.2345678901234567e-100
    lists = {name: [number] * MOST_EPOCHS for name in ("losses", "accuracies", "seconds")}
    assert len(json.dumps(lists, indent=2)) < _LARGEST_RECORD - 4096
