"""Names, arguments and machines that are not kind: what is built compiles, what cannot be built says why."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import catgrad as cg
from catgrad.cli import main
from catgrad.errors import CatgradError
from catgrad.export import dispatch, names
from catgrad.export.folder import write
from catgrad.export.header import header
from catgrad.export.interface import interface
from catgrad.export.library import compile_library
from catgrad.export.status import Status
from catgrad.prepare import prepare

NAMES = ["int", "this", "template", "size_t", "workspace_size", "NULL", "INT32_MAX", "linux", "register", "typeof"]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """The header of a library whose dimensions, arguments and keys have names that mean something in C."""
    folder = tmp_path_factory.mktemp("hostile")
    shape = [cg.dim(name) for name in NAMES[:4]]
    nested = {name: cg.f32[3] for name in ["X", "h", "H", *NAMES]}

    def f(h, H, p, P, x):
        return {"X": h["X"] + H["X"], "x": p["X"] + P["h"]}, x

    inner = {name: dict(nested) for name in ("p", "P")}
    programs = {"f": prepare(f, nested, {**nested, "other": cg.i32[2]}, nested, inner["p"], cg.f32[tuple(shape)])}
    write(folder, compile_library("net", programs, "cpu:x86-64-v2"))
    return folder


@pytest.mark.parametrize(
    "command",
    [
        "gcc -std=c99 -pedantic",
        "gcc -std=c11 -pedantic",
        "gcc -std=gnu17",
        "g++ -std=c++11 -pedantic",
        "g++ -std=c++20",
    ],
)
def test_a_header_of_hostile_names_compiles(hostile, command, tmp_path):
    tool, *options = command.split()
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    source = tmp_path / ("use.c" if tool == "gcc" else "use.cpp")
    source.write_text(
        '#include "net.h"\n#include "net.h"\n#define COUNT(m, k, t, n) + (n)\n'
        "int size(void);\nint size(void) { return 0 NET_H(COUNT); }\n"
    )
    flags = ["-Wall", "-Wextra", "-Werror", f"-I{hostile}", "-c", str(source), "-o", str(tmp_path / "use.o")]
    done = subprocess.run([tool, *options, *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("level", ["x86-64-v2", "x86-64-v3"])
def test_bf16_of_any_size_needs_no_run_time_library(level, tmp_path, import_file):
    rows, columns = cg.dim("B"), cg.dim("T")
    program = prepare(lambda x, y: x @ y, cg.bf16[rows, 7], cg.bf16[7, columns])
    library = compile_library("lib", {"product": program}, f"cpu:{level}")
    assert not {symbol for symbol in library.calls if symbol.startswith("__")}
    write(tmp_path, library)
    rng = np.random.default_rng(0)
    x, y = (rng.integers(-3, 4, shape).astype(cg.bf16.numpy) for shape in ((5, 7), (7, 19)))
    found = import_file(tmp_path / "lib.py").product(x, y).view(cg.bf16.numpy)
    np.testing.assert_array_equal(found.astype(int), x.astype(int) @ y.astype(int))


def test_the_loader_refuses_what_the_executable_refuses(build):
    def update(state, x, n):
        return state + x, n

    made = build(update=(update, cg.f32[4], cg.f32[4], cg.i32[()]))
    x = np.arange(5, dtype=np.float32)
    with pytest.raises(TypeError, match="n must be int32"):
        made.update(x[1:].copy(), x[:4].copy(), 2.7)
    with pytest.raises(TypeError, match="n must be int32"):
        made.update(x[1:].copy(), x[:4].copy(), True)
    assert made.update(x[1:].copy(), x[:4].copy(), 2)[1] == 2


def test_the_loader_refuses_arrays_that_overlap(tmp_path, import_file):
    program = prepare(lambda state, x: state + x, cg.f32[4], cg.f32[4], donate=0)
    write(tmp_path, compile_library("lib", {"update": program}, "cpu:x86-64-v2"))
    update, x = import_file(tmp_path / "lib.py").update, np.arange(5, dtype=np.float32)
    for state, other in ((x[1:], x[:4]), (x[:4], x[1:]), (x[:4], x[:4])):
        with pytest.raises(ValueError, match="share memory, and one is written"):
            update(state, other)
    np.testing.assert_array_equal(update(x[:4].copy(), x[:4]), 2 * np.arange(4))


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ["tuple", "np", "Library", "len", "class", "build"])
def test_a_function_called_like_what_a_loader_uses(name, tmp_path):
    with pytest.raises(CatgradError, match=r"of its own|cannot be a name"):
        compile_library("lib", {name: prepare(lambda x: x, cg.f32[3])}, "cpu:x86-64-v2")
    f = lambda x: x + 1  # noqa: E731
    f.__name__ = name
    cg.compile(f, cg.f32[3]).export(tmp_path / "lib")
    assert "lib_predict(" in (tmp_path / "lib" / "lib.h").read_text()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        *(
            (name, "would hide one of Python's modules: call it")
            for name in ("numpy", "json", "class", "string", "random")
        ),
        *((name, "would hide one of C's headers: call it") for name in ("stdint", "stddef", "unistd")),
        *((name, "would hide one of C's libraries: call it") for name in ("c", "m", "gcc")),
        ("x" * 300, "cannot be a name in C: use at most 128 letters"),
        *((name, "cannot be a name in C: .*, with name= or --name") for name in ("1x", "é")),
        ("Net", "a library is called in small letters, its constants in capitals: net, not Net"),
    ],
)
def test_names_that_no_library_can_have(name, message):
    with pytest.raises(CatgradError, match=message):
        compile_library(name, {"f": prepare(lambda x: x, cg.f32[3])}, "cpu:x86-64-v2")


def preprocessed(compiler, headers, *options):
    """Preprocess a file that includes the headers there are."""
    text = "".join(f"#if __has_include(<{each}.h>)\n#include <{each}.h>\n#endif\n" for each in sorted(headers))
    command = [compiler, "-std=c17", "-E", *options, "-xc", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def test_what_the_headers_of_c_include_is_among_them(compiler):
    included = preprocessed(compiler, names._HEADERS, "-H").stderr
    paths = {Path(line.split()[1]) for line in included.splitlines() if line.startswith(".")}
    folders = {path.parent for path in paths if path.name in ("stdio.h", "stddef.h")}
    found = {path.stem for path in paths if path.parent in folders and path.stem.isidentifier()}
    assert found - names._HEADERS == set()
    assert {"features", "alloca", "endian"} <= found


ISO = (
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic "
    "stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype"
)


def test_no_macro_of_c_is_an_identifier(compiler):
    defined = preprocessed(compiler, ISO.split(), "-dM").stdout.split("#define ")
    macros = {line.split()[0] for line in defined if line} | {"assert"}
    objects = {name for name in macros if name.isidentifier() and not name.startswith("_")}
    assert {"I", "EOF", "errno", "stdin", "SIGINT", "EDOM", "LLONG_MAX"} <= objects
    assert {name for name in objects if names.Scope().name(name) == name} == set()


def test_a_dimension_may_have_a_value_that_no_int_has(compiler, tmp_path):
    _, signature = prepare(lambda LIB_F_B: LIB_F_B, cg.bool_[cg.dim("B")], bind={"B": 3_000_000_000})
    (tmp_path / "lib.h").write_text(header(interface("lib", {"f": signature})))
    source = tmp_path / "use.c"
    source.write_text('#include "lib.h"\ntypedef char test[LIB_F_B == 3000000000 && sizeof(LIB_F_B) == 8 ? 1 : -1];\n')
    command = [compiler, "-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", source]
    subprocess.run(command, check=True, capture_output=True)


def test_the_longest_name_makes_files(tmp_path):
    program = prepare(lambda x: x, cg.f32[3])
    assert len(write(tmp_path, compile_library("x" * 128, {"f": program}, "cpu:aarch64"))) >= 4


def test_arguments_that_c_does_not_have():
    with pytest.raises(CatgradError, match=r"the keys of p become names in C: they have to be text, not \[3, 7\]"):
        compile_library("lib", {"f": prepare(lambda p: p[3], {3: cg.f32[3], 7: cg.f32[3]})}, "cpu:x86-64-v2")
    with pytest.raises(CatgradError, match="the argument _ has no array"):
        compile_library("lib", {"f": prepare(lambda x, n: x, cg.f32[3], {})}, "cpu:x86-64-v2")


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("")
    assert main(["build", "iris:linear", "-o", str(file)]) == 1
    assert "choose another folder" in capsys.readouterr().err


KEYS = ["", " ", '"', "\\", "\n\x7f\x01", "??/", "𝛼β", "%s", "\\u0041", "*/", "a\0b"]


def test_keys_are_strings_in_c(compiler, tmp_path, build):
    program = prepare(lambda p: cg.sum(p["%s"]), {key: cg.f32[1] for key in KEYS})
    write(tmp_path, compile_library("net", {"f": program}, "cpu:x86-64-v2"))
    source = tmp_path / "use.c"
    source.write_text(
        '#include <stdio.h>\n#include "net.h"\n#define PRINT(m, k, t, n) fwrite(k "\\377", sizeof k, 1, stdout);\n'
        "int main(void) { NET_P(PRINT) return 0; }\n"
    )
    flags = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}"]
    subprocess.run([compiler, *flags, source, "-o", tmp_path / "use"], check=True, capture_output=True)
    printed = subprocess.run([tmp_path / "use"], check=True, capture_output=True).stdout
    assert sorted(printed.split(b"\377")[:-1]) == sorted(key.encode() for key in KEYS)


@pytest.mark.parametrize(
    ("value", "message"),
    [("nonesuch", "there is no nonesuch"), ('"', 'there is no "'), ("false", "the library cannot be linked: if")],
)
def test_without_a_compiler_there_is_all_but_the_shared_library(monkeypatch, tmp_path, value, message):
    monkeypatch.setenv("CC", value)
    library = compile_library("lib", {"f": prepare(cg.exp, cg.f32[3])}, "cpu:x86-64-v2")
    with pytest.raises(CatgradError, match=f"{tmp_path} has the static library, but not the shared one: .*{message}"):
        write(tmp_path, library)
    assert {path.name for path in tmp_path.iterdir()} == {"lib.h", "liblib.a", "lib.py", "lib.pc", "manifest.json"}


def test_a_processor_that_lacks_instructions(monkeypatch, tmp_path, import_file):
    impossible = {"x86-64-v4": (dispatch._Bits(1, dispatch._ECX, (16,)),)}
    monkeypatch.setattr(dispatch, "_FEATURES", {**dispatch._FEATURES, **impossible})
    write(tmp_path, compile_library("lib", {"f": prepare(cg.exp, cg.f32[cg.dim("B")])}, "cpu:x86-64-v4"))
    with pytest.raises(ImportError, match="this processor lacks instructions that the library uses"):
        import_file(tmp_path / "lib.py")
    code = ctypes.CDLL(str(tmp_path / "liblib.so"))
    assert code.lib_check() == code.lib_f(ctypes.c_int64(3), None, None, None, None) == Status.PROCESSOR
    assert code.lib_f_workspace(ctypes.c_int64(3)) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"functions": "predicted"}, "a learner has no predicted: expected some of init, step, predict"),
        ({"functions": ["init", "fly"]}, "a learner has no fly"),
        ({"functions": ()}, "the library net would have no function"),
        ({"name": ""}, "'' cannot be a name in C: .*: call it something else, with name= or --name"),
        ({"types": [cg.f32[4, 3]]}, r"takes the types of its inputs and of its targets, got 1: \(f32\[4, 3\],\)"),
    ],
)
def test_what_a_learner_cannot_export(tmp_path, options, message):
    learner = cg.learner(cg.nn.Linear(3, 2), loss=cg.nn.mse, optimizer=cg.optim.sgd(0.1))
    types = options.pop("types", [cg.f32[4, 3], cg.f32[4, 2]])
    with pytest.raises(CatgradError, match=message):
        learner.export(tmp_path / "net", *types, **options)


def test_one_function_of_a_learner(tmp_path):
    learner = cg.learner(cg.nn.Linear(3, 2), loss=cg.nn.mse, optimizer=cg.optim.sgd(0.1))
    learner.export(tmp_path / "net", cg.f32[4, 3], cg.f32[4, 2], functions="predict", target="cpu:x86-64-v2")
    assert "net_predict(" in (tmp_path / "net" / "net.h").read_text()
