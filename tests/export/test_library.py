"""The library as a file: what it needs, what it shows, and that its bytes depend on the model alone."""

import json
import subprocess
import sys

import pytest

import catgrad as cg
from catgrad.cli import main
from catgrad.errors import CatgradError
from catgrad.export.library import compile_library
from catgrad.llvm import find_tool
from catgrad.prepare import prepare

B = cg.dim("B")


def read(path, *options):
    """Return what llvm-readelf says about a file."""
    command = [find_tool("llvm-readelf"), *options, path]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_c_library_is_all_it_needs(digits):
    dynamic = read(digits / "libdigits.so", "--dynamic-table")
    needed = [line.split()[-1] for line in dynamic.splitlines() if "(NEEDED)" in line]
    assert needed == ["[libc.so.6]"]
    assert "TEXTREL" not in dynamic


def test_no_function_allocates(digits):
    symbols = read(digits / "libdigits.so", "--dyn-syms")
    taken = {line.split()[-1].partition("@")[0] for line in symbols.splitlines() if " UND " in line and "@" in line}
    assert taken <= {"memcpy", "memmove", "memset"}


def test_only_its_functions_are_visible(digits):
    symbols = read(digits / "libdigits.so", "--dyn-syms").splitlines()
    shown = {line.split()[-1] for line in symbols if " GLOBAL " in line and " UND " not in line}
    functions = {f"digits_{name}{suffix}" for name in ("init", "step", "predict") for suffix in ("", "_workspace")}
    assert shown == {*functions, "digits_check", "digits_status_text", "digits_build"}


def test_nothing_but_the_choice_of_code_is_writable_after_loading(digits):
    sections = read(digits / "libdigits.so", "--sections", "--wide").splitlines()
    writable = {line[6:].split()[0] for line in sections if " WA " in line}
    assert writable == {".init_array", ".dynamic", ".got", ".bss"}


@pytest.mark.slow
def test_equal_models_have_equal_bytes(digits, tmp_path):
    folder = tmp_path / "elsewhere"
    script = "import sys; from catgrad.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", script, "build", "digits", "-o", folder]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"})
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {p.name: p.read_bytes() for p in digits.iterdir()}


def test_a_folder_for_inference_is_small(digits):
    assert sum(path.stat().st_size for path in digits.iterdir()) < 1_000_000


def test_the_manifest_describes_every_file(digits):
    manifest = json.loads((digits / "manifest.json").read_text())
    assert manifest["files"].keys() | {"manifest.json"} == {path.name for path in digits.iterdir() if path.is_file()}
    assert manifest["functions"]["predict"]["dimensions"][0]["name"] == "B"


def test_code_for_another_machine_is_objects_to_link_there(tmp_path, capsys):
    folder = tmp_path / "arm"
    assert main(["build", "digits", "-o", str(folder), "--what", "predict", "--target", "cpu:aarch64"]) == 0
    printed = capsys.readouterr().out
    assert f"cd {folder} && cc -shared -Wl,-soname,libdigits.so -o libdigits.so " in printed
    assert {"digits.py", "digits.pc"} <= {path.name for path in folder.iterdir()}
    assert "AArch64" in read(folder / "digits.aarch64.o", "--file-header")
    command = [find_tool("llvm-objdump"), "--disassemble", folder / "digits.aarch64.o"]
    assert "fmla" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert not (folder / "libdigits.so").exists()


@pytest.mark.slow
def test_mathematical_functions_need_the_c_library_alone():
    one = cg.exp, cg.log, cg.log1p, cg.expm1, cg.tanh, cg.erf, cg.sin, cg.cos, cg.floor, cg.round
    two = cg.pow, cg.remainder, cg.floor_divide
    programs = {
        f"{f.__name__}_{type}": prepare(f, *[type[B]] * count)
        for count, functions in ((1, one), (2, two))
        for f in functions
        for type in (cg.f32, cg.f64)
    }
    library = compile_library("lib", programs, "cpu:x86-64-v2")
    assert library.calls <= {"memset", "memcpy", "memmove"}


@pytest.mark.parametrize("dtype", [cg.f16, cg.bf16], ids=str)
def test_half_floats_need_the_c_library_alone(dtype):
    others = [cg.bool_, cg.i32, cg.i64, cg.f16, cg.bf16, cg.f32, cg.f64]

    def f(*xs):
        return [cg.exp(cg.cast(x, dtype)) for x in xs], [cg.cast(xs[others.index(dtype)], other) for other in others]

    library = compile_library("lib", {"f": prepare(f, *(other[B] for other in others))}, "cpu:x86-64-v2")
    assert library.calls <= {"memset", "memcpy", "memmove"}


def test_an_unknown_target_is_an_error():
    with pytest.raises(CatgradError, match="unknown target 'tpu': expected one of cpu"):
        compile_library("lib", {"f": prepare(cg.exp, cg.f32[B])}, "tpu")


def test_a_name_that_c_does_not_know_is_an_error():
    with pytest.raises(CatgradError, match="'my-lib' cannot be a name in C"):
        compile_library("my-lib", {"f": prepare(cg.exp, cg.f32[B])})


def test_a_name_that_is_taken_is_an_error():
    with pytest.raises(CatgradError, match="has a status_text of its own"):
        compile_library("lib", {"status_text": prepare(cg.exp, cg.f32[B])})


def test_without_a_linker_it_says_what_to_install(monkeypatch):
    library = compile_library("lib", {"f": prepare(cg.exp, cg.f32[B])}, "cpu:x86-64-v3")
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CatgradError, match="install gcc or clang"):
        library.shared()
