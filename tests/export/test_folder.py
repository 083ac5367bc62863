"""The folder of a library: nothing of somebody else is lost, nothing of an older library stays, all or nothing."""

import json
import os
import shlex
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

import catgrad as cg
from catgrad import files
from catgrad.errors import CatgradError
from catgrad.export.folder import check_writable, export, write
from catgrad.export.library import compile_library
from catgrad.prepare import prepare


@pytest.fixture(scope="module")
def libraries(compiler):
    """Two libraries of one name, and one of another."""
    made = {}
    for key, name, f in (("one", "lib", lambda x: x + 1), ("two", "lib", lambda x: x + 2), ("other", "net", cg.exp)):
        made[key] = compile_library(name, {"f": prepare(f, cg.f32[3])}, "cpu:x86-64-v2")
    return made


@pytest.mark.parametrize("file", ["lib.py", "lib.h", "parameters.safetensors", "manifest.json"])
def test_files_of_somebody_else_are_not_lost(libraries, tmp_path, file):
    (tmp_path / file).write_text("{}")
    with pytest.raises(CatgradError, match=f"{file} is no file of an earlier library of this name: choose another"):
        write(tmp_path, libraries["one"], {"w": np.ones(2)})
    assert [path.name for path in tmp_path.iterdir()] == [file]
    assert (tmp_path / file).read_text() == "{}"


@pytest.mark.parametrize("file", ["lib.py", "liblib.a", "liblib.so", "lib.x86-64-v3.o", "parameters.safetensors"])
def test_a_crafted_manifest_gives_no_file_away(libraries, tmp_path, file):
    known = {"name": "lib", "library": "liblib.so", "build": "", "files": {file: {"bytes": 4, "sha256": ""}}}
    (tmp_path / "manifest.json").write_text(json.dumps(known))
    (tmp_path / file).write_text("mine")
    if file == "lib.x86-64-v3.o":  # not in the way
        write(tmp_path, libraries["one"], {"w": np.ones(2)})
    else:
        with pytest.raises(CatgradError, match=f"{file} is no file of an earlier library of this name"):
            write(tmp_path, libraries["one"], {"w": np.ones(2)})
        assert {path.name for path in tmp_path.iterdir()} == {"manifest.json", file}
    assert (tmp_path / file).read_text() == "mine"


def test_changes_to_a_library_are_not_lost(libraries, tmp_path):
    write(tmp_path, libraries["one"], {"w": np.ones(2)})
    trained = (tmp_path / "parameters.safetensors").read_bytes()[:-1] + b"x"
    (tmp_path / "parameters.safetensors").write_bytes(trained)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(CatgradError, match="or move the file away if it is one that you have changed"):
        write(tmp_path, libraries["two"], {"w": np.ones(2)})
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_library_half_written_is_written_again(libraries, tmp_path):
    one = write(tmp_path, libraries["one"])
    content = {path: path.read_bytes() for path in one}
    write(tmp_path, libraries["two"])
    for path in one[::2]:
        if path.name != "manifest.json":
            path.write_bytes(content[path])
    write(tmp_path, libraries["one"])
    assert {path: path.read_bytes() for path in one} == content


def test_a_library_does_not_overwrite_another(libraries, tmp_path):
    written = write(tmp_path, libraries["one"])
    with pytest.raises(CatgradError, match="choose another folder"):
        write(tmp_path, libraries["other"])
    assert set(tmp_path.iterdir()) == set(written)


def test_parameters_of_an_older_library_go(libraries, tmp_path):
    write(tmp_path, libraries["one"], {"w": np.ones(2)})
    written = write(tmp_path, libraries["two"])
    assert set(tmp_path.iterdir()) == set(written)
    assert not (tmp_path / "parameters.safetensors").exists()


def test_a_shared_library_that_was_linked_later_belongs_to_the_library(libraries, tmp_path, monkeypatch):
    library = libraries["one"]
    monkeypatch.setenv("CC", "nonesuch")
    with pytest.raises(CatgradError, match="but not the shared one"):
        write(tmp_path, library)
    monkeypatch.delenv("CC")
    subprocess.run(shlex.split(library.link_command), cwd=tmp_path, check=True)
    assert (tmp_path / "liblib.so").exists()
    written = write(tmp_path, libraries["two"])
    assert set(tmp_path.iterdir()) == set(written)


def test_a_manifest_lists_no_files_elsewhere(libraries, tmp_path):
    folder, file = tmp_path / "folder", tmp_path / "file"
    folder.mkdir()
    file.write_text("mine")
    write(folder, libraries["one"])
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["../file"] = {}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    write(folder, libraries["one"])
    assert file.read_text() == "mine"


@pytest.mark.parametrize("name", ["notes.txt", "other.py", "../file", "/etc/passwd", "lib.x.o", "sub/lib.h", "", "."])
def test_a_manifest_lists_no_files_of_somebody_else(libraries, tmp_path, name):
    folder, mine = (
        tmp_path / "folder",
        [tmp_path / "file", *(tmp_path / "folder" / n for n in ("notes.txt", "other.py"))],
    )
    (folder / "sub").mkdir(parents=True)
    mine += [folder / "lib.x.o", folder / "sub" / "lib.h"]
    for path in mine:
        path.write_text("mine")
    write(folder, libraries["one"])
    forge(folder, {name: {}})
    write(folder, libraries["two"])
    assert {path.read_text() for path in mine} == {"mine"}


def forge(folder, added):
    """Let a manifest list more files than the library has."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"].update(added)
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", ["parameters.safetensors", "lib.o", "lib.x86-64-v3.o"])
def test_what_is_no_file_is_none_of_a_library(libraries, tmp_path, name):
    folder, mine = tmp_path / "folder", tmp_path / "mine"
    folder.mkdir()
    mine.write_text("mine")
    write(folder, libraries["one"])
    (folder / name).symlink_to(mine)
    forge(folder, {name: {}})
    write(folder, libraries["two"])
    assert (folder / name).is_symlink()
    (folder / name).unlink()
    (folder / name).mkdir()
    write(folder, libraries["one"])
    assert (folder / name).is_dir()
    assert mine.read_text() == "mine"


def test_a_link_in_the_place_of_a_library_is_not_replaced(libraries, tmp_path):
    folder, mine = tmp_path / "folder", tmp_path / "mine"
    folder.mkdir()
    mine.write_text("mine")
    write(folder, libraries["one"])
    (folder / "lib.h").unlink()
    (folder / "lib.h").symlink_to(mine)
    with pytest.raises(CatgradError, match=r"lib\.h is no file of an earlier library of this name"):
        write(folder, libraries["two"])
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "3", '{"name": "lib"}', '{"name": "lib", "files": [[]], "library": 1}']
)
def test_a_manifest_that_is_none_is_of_somebody_else(libraries, tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(CatgradError, match=r"manifest.json is no file of an earlier library"):
        write(tmp_path, libraries["one"])
    (tmp_path / "manifest.json").unlink()
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(CatgradError, match=r"manifest.json is no file of an earlier library"):
        write(tmp_path, libraries["one"])


def test_a_loader_knows_its_own_manifest(libraries, tmp_path, import_file):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, key in ((one, "one"), (other, "other")):
        folder.mkdir()
        write(folder, libraries[key])
    (one / "manifest.json").write_bytes((other / "manifest.json").read_bytes())
    with pytest.raises(ImportError, match="describes the library net, not lib"):
        import_file(one / "lib.py")


def test_nothing_of_an_older_library_stays(tmp_path):
    program = prepare(lambda x: x + 1, cg.f32[3])
    export(tmp_path, {"f": program}, "lib", "cpu")
    others = {tmp_path / "library.o", tmp_path / "lib.mine.o"}
    for other in others:
        other.write_text("")
    written = export(tmp_path, {"f": program}, "lib", "cpu:aarch64")
    assert set(tmp_path.iterdir()) == {*written, *others}
    assert set(json.loads((tmp_path / "manifest.json").read_text())["files"]) < {path.name for path in written}


def test_a_full_disk_changes_nothing(libraries, tmp_path, monkeypatch):
    write(tmp_path, libraries["one"])
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    opened = []

    def full(path, mode, **options):
        opened.extend([path] if "x" in mode else [])
        if len(opened) > 3:
            raise OSError(28, "No space left on device")
        return open(path, mode, **options)

    monkeypatch.setattr(files, "open", full, raising=False)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path, libraries["two"])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_processes_that_write_one_folder_do_not_mix(tmp_path):
    script = """
import sys
from pathlib import Path
from catgrad import files
folder, own = Path(sys.argv[1]), sys.argv[2]
for _ in range(40):
    with files.locked(folder):
        files.replace({folder / f"{i}": own.encode() for i in range(8)})
        assert {(folder / f"{i}").read_text() for i in range(8)} == {own}
"""
    processes = [subprocess.Popen([sys.executable, "-c", script, tmp_path, own]) for own in ("one", "two")]
    assert [process.wait() for process in processes] == [0, 0]
    assert len(set(map(str, (path.read_text() for path in tmp_path.iterdir())))) == 1


def test_the_mask_of_the_user_is_honoured(libraries, tmp_path):
    old = os.umask(0o027)
    try:
        written = write(tmp_path, libraries["one"])
    finally:
        os.umask(old)
    assert {path.stat().st_mode & 0o777 for path in written} == {0o640}


def test_a_folder_that_cannot_be_written(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for folder in (file, file / "inside"):
        with pytest.raises(CatgradError, match=f"cannot write into {folder}: .*: choose another folder"):
            check_writable(folder)


def test_parameters_are_written_row_by_row(libraries, tmp_path):
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    given = {"t": weight.T, "strided": weight[:, ::2], "scalar": np.float32(3), "rank0": np.array(2), "number": 1.5}
    write(tmp_path, libraries["one"], given)
    found = load_file(tmp_path / "parameters.safetensors")
    assert {name: (array.shape, array.tolist()) for name, array in found.items()} == {
        name: (np.shape(array), np.asarray(array).tolist()) for name, array in given.items()
    }


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ([1, 2], "parameters are arrays by name, such as {'weight': w}, not a list"),
        ({1: np.ones(2)}, "parameters are arrays by name, and 1 is no text"),
        ({"__metadata__": np.ones(2)}, "no array can be called __metadata__"),
        ({"layer": {"weight": np.ones(2)}}, r"parameters\['layer'\] is of type dict, which cannot be saved"),
        ({"w": [[1], [2, 3]]}, r"parameters\['w'\] is of type list, which cannot be saved"),
        ({"w": np.ones(2, np.int8)}, "expected one of the dtypes"),
    ],
)
def test_parameters_that_are_none(libraries, tmp_path, parameters, message):
    with pytest.raises(CatgradError, match=message):
        write(tmp_path, libraries["one"], parameters)
    assert not list(tmp_path.iterdir())


def test_parameters_of_a_learner_fit_its_model(tmp_path):
    learner = cg.learner(cg.nn.Linear(3, 2), loss=cg.nn.mse, optimizer=cg.optim.sgd(0.1))
    types, fits = (cg.f32[4, 3], cg.f32[4, 2]), learner.init(0)["parameters"]
    with pytest.raises(CatgradError, match=r"parameters are arrays by name, such as {'weight': w}, not a list"):
        learner.export(tmp_path / "net", *types, parameters=[1])
    with pytest.raises(CatgradError, match=r"the model has the parameters \['bias', 'weight'\], given \['foo'\]"):
        learner.export(tmp_path / "net", *types, parameters={"foo": np.zeros(3)})
    with pytest.raises(CatgradError, match=r"parameters\['bias'\] must be f32\[2\], got f32\[3\]"):
        learner.export(tmp_path / "net", *types, parameters={**fits, "bias": np.zeros(3, np.float32)})


@pytest.mark.parametrize("file", ["liblib.so", "lib.h", "parameters.safetensors", "lib.x86-64-v3.o"])
@pytest.mark.parametrize("size", [4, -1, 1 << 70, "4", None])
def test_what_a_manifest_lists_is_not_read_beyond_its_size(libraries, tmp_path, file, size):
    """The file has 64 GiB, of which hardly anything is on the disk."""
    known = {"name": "lib", "library": "liblib.so", "build": "a" * 64, "files": {file: {"bytes": size, "sha256": ""}}}
    if size == 4 and file == "liblib.so":
        known["files"] = {}  # linked later
    (tmp_path / "manifest.json").write_text(json.dumps(known))
    (tmp_path / file).touch()
    os.truncate(tmp_path / file, 1 << 36)
    if file == "lib.x86-64-v3.o":  # not in the way
        write(tmp_path, libraries["one"], {"w": np.ones(2)})
    else:
        with pytest.raises(CatgradError, match=f"{file} is no file of an earlier library of this name"):
            write(tmp_path, libraries["one"], {"w": np.ones(2)})
    assert (tmp_path / file).stat().st_size == 1 << 36


def test_files_of_a_library_keep_their_permissions(libraries, tmp_path):
    write(tmp_path, libraries["one"], {"w": np.ones(2)})
    (tmp_path / "parameters.safetensors").chmod(0o600)
    write(tmp_path, libraries["two"], {"w": np.ones(2)})
    assert (tmp_path / "parameters.safetensors").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("shared", [None, 3, [], {}, "x", "../lib.so"])
@pytest.mark.parametrize("listed", [{}, {"lib.h": None}, {"lib.h": {"bytes": {}, "sha256": []}}, {"lib.h": [1]}])
def test_whatever_a_manifest_says_is_no_crash(libraries, tmp_path, shared, listed):
    known = {"name": "lib", "library": shared, "build": shared, "files": listed}
    (tmp_path / "manifest.json").write_text(json.dumps(known))
    (tmp_path / "lib.h").write_text("mine")
    with pytest.raises(CatgradError, match=r"lib\.h is no file of an earlier library of this name"):
        write(tmp_path, libraries["one"])
