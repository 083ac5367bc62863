"""The library in C programs: the header compiles, training gives the same bits as in Python, memory is used rightly."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from catgrad.cli import data
from catgrad.cli.tasks import TASKS
from catgrad.export.folder import export
from catgrad.export.programs import initial

EXAMPLE = Path(__file__).parents[2] / "examples" / "c"
BATCH = TASKS["digits"].batch
STEPS = 20
SANITIZED = "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """Shuffled digits, and the file they are in."""
    found = data.load("digits", 0).train
    rows = np.random.default_rng(0).permutation(len(found))[: BATCH * STEPS]
    path = tmp_path_factory.mktemp("data") / "examples.safetensors"
    save_file({"x": found.x[rows], "y": found.y[rows]}, path)
    return found[rows], path


def built(digits, folder, *flags):
    """Build the example in a folder with its Makefile."""
    shutil.copytree(EXAMPLE, folder)
    command = ["make", "--silent", f"LIBRARY={digits}", "CC=gcc", f"CFLAGS={' '.join(flags) or '-O2'}"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "train_digits"


@pytest.fixture(scope="module")
def program(digits, tmp_path_factory):
    """The example, which looks after its memory."""
    return built(digits, tmp_path_factory.mktemp("program") / "c", *SANITIZED)


def run(command, digits, examples, trained):
    """Run the example for one epoch; return the losses it prints, and its last line."""
    arguments = [digits / "parameters.safetensors", examples, "1", trained]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    *losses, last = done.stdout.splitlines()
    return [float.fromhex(loss) for loss in losses], last


def test_training_in_c_gives_the_bits_of_training_in_python(digits, examples, tmp_path):
    (batch, path), settings = examples, TASKS["digits"].settings()
    losses, last = run([built(digits, tmp_path / "c")], digits, path, tmp_path / "trained.safetensors")
    state, step = settings.learner.init(0), settings.step().executable
    rows = [slice(i, i + BATCH) for i in range(0, len(batch), BATCH)]
    assert losses == [float(step(state, batch.x[r], batch.y[r])[1]) for r in rows]
    trained = load_file(tmp_path / "trained.safetensors")
    assert {k: v.tobytes() for k, v in trained.items()} == {k: v.tobytes() for k, v in state["parameters"].items()}
    scores = settings.predict().executable(state["parameters"], batch.x)
    assert last == f"{np.sum(scores.argmax(axis=1) == batch.y)} of {len(batch)}"


def test_address_sanitizer_finds_nothing(digits, examples, program, tmp_path):
    losses, _ = run([program], digits, examples[1], tmp_path / "trained.safetensors")
    assert losses[-1] < losses[0]


def test_any_safetensors_file_is_read(digits, examples, program, tmp_path):
    """Spaces and escapes in the header, other arrays before, odd offsets."""
    length = int.from_bytes((content := (digits / "parameters.safetensors").read_bytes())[:8], "little")
    about, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    for each in about.values():
        each["data_offsets"] = [offset + 3 for offset in each["data_offsets"]]
    odd = {
        "__metadata__": {"out.linear.bias": 'a "[{\\'},
        "first": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]},
    }
    head = (" \n" + json.dumps({**odd, **about}, indent=3)).encode()
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "parameters.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + b"abc" + data)
    given = [(folder, tmp_path / "odd.safetensors"), (digits, tmp_path / "even.safetensors")]
    (odd, last), even = (run([program], folder, examples[1], trained) for folder, trained in given)
    assert (odd, last) == even
    assert (tmp_path / "odd.safetensors").read_bytes()[-len(data) :] == (tmp_path / "even.safetensors").read_bytes()[
        -len(data) :
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/dev/null", "x", "1", "y"], "/dev/null: this cannot be read as a safetensors file"),
        (["PARAMETERS", "PARAMETERS", "1", "y"], "PARAMETERS: this has no array y"),
        (["DATA", "DATA", "1", "y"], "hidden.linear.bias: the file has no array of this name and size"),
        (["PARAMETERS", "DATA", "1", "/nowhere/y"], "/nowhere/y: this cannot be written"),
    ],
)
def test_the_example_says_what_is_wrong(digits, examples, program, arguments, message):
    places = {"PARAMETERS": str(digits / "parameters.safetensors"), "DATA": str(examples[1])}
    command = [program, *(places.get(each, each) for each in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    message = message.replace("PARAMETERS", places["PARAMETERS"])
    assert (done.returncode, done.stderr) == (1, f"train_digits: {message}\n")


def test_valgrind_finds_nothing_and_older_code_learns_as_well(digits, examples, tmp_path):
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    command = ["valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full", built(digits, tmp_path / "c")]
    losses, _ = run(command, digits, examples[1], tmp_path / "trained.safetensors")
    native, _ = run([tmp_path / "c" / "train_digits"], digits, examples[1], tmp_path / "trained.safetensors")
    np.testing.assert_allclose(losses, native, rtol=1e-5)


@pytest.mark.slow
def test_the_example_trains_with_batches_of_the_size_that_was_compiled(examples, tmp_path):
    folder, settings = tmp_path / "digits", TASKS["digits"].settings(batch=128)
    step, predict = settings.step().source, settings.predict().source
    programs = {
        "init": initial(step.term),
        "step": (step.term, step.signature),
        "predict": (predict.term, predict.signature),
    }
    export(folder, programs, parameters=settings.learner.init(0)["parameters"])
    losses, _ = run([built(folder, tmp_path / "c", *SANITIZED)], folder, examples[1], tmp_path / "trained.safetensors")
    assert len(losses) == len(examples[0]) // 128


@pytest.mark.parametrize("language", ["-std=c99 -xc", "-std=c17 -xc", "-std=c++11 -xc++"])
def test_the_header_is_strict_c_and_c_plus_plus(digits, compiler, language):
    flags = [*language.split(), "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
    done = subprocess.run([compiler, *flags, digits / "digits.h"], capture_output=True, text=True, check=False)
    if "cc1plus" in done.stderr:
        pytest.skip("g++ is not installed")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_struct_serves_wherever_the_structure_is_the_same(digits):
    header = (digits / "digits.h").read_text()
    assert re.findall(r"^typedef struct (\w+)", header, re.MULTILINE) == [
        "digits_parameters",
        "digits_optimizer",
        "digits_state",
    ]
    assert header.count("const digits_parameters *parameters") == 2
