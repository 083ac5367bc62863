import numpy as np
import pytest

MODELS = """
import catgrad as cg

def chain(x, y, z):
    return x * y + z

def nothing(x):
    return x + 1
"""
TYPES = "--types", "f32[N, 1024], f32[N, 1024], f32[N, 1024]"


@pytest.fixture(autouse=True)
def models(tmp_path):
    (tmp_path / "models.py").write_text(MODELS)


def test_tables_for_people(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    code, out, err = command("gpu-report", "models.py:chain", *TYPES, "--bind", "N=1024", "--arch", "sm_90")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert out.startswith("H100 SXM: sm_90, 132 multiprocessors")
    assert "NVIDIA H100 Tensor Core GPU datasheet" in out
    assert max(map(len, out.splitlines())) <= 100
    kernel, launch = (line for line in lines if line[:1] == ["chain_kernel"])
    # Stack, spilled bytes and occupancy; then instructions of tensor cores, and loads + stores.
    assert kernel[4:8] == ["0", "0", "100%", "warps"]
    assert kernel[-3:] == ["0", "3+1", "0+0"]
    amounts = ["2.1", "M", "16", "MiB", "16", "MiB", "1", "5.01", "µs"]
    assert launch == ["chain_kernel", "1024", "256", *amounts, "memory", "models.py:5"]
    assert ["1", "launches", *amounts] in lines
    assert any(line[:2] == ["as", "one"] for line in lines)


def words(out):
    """What a report says, in any order."""
    return sorted(word for word in out.split() if any(c.isdigit() for c in word) or word in {"memory", "registers"})


@pytest.mark.parametrize("width", ["40", *(pytest.param(n, marks=pytest.mark.slow) for n in ("20", "60", "79", "80"))])
def test_a_narrow_terminal_cuts_nothing(command, monkeypatch, width):
    report = "gpu-report", "iris:linear", "--step", "--bind", "B=32", "--no-run"
    monkeypatch.delenv("COLUMNS", raising=False)
    whole = command(*report)[1]
    monkeypatch.setenv("COLUMNS", width)
    out = command(*report)[1]
    assert max(map(len, out.splitlines())) <= int(width)
    assert "…" not in out
    blocks = [line for line in out.splitlines() if line.startswith("  ")]
    assert bool(blocks) == (int(width) < max(len(line.rstrip()) for line in whole.splitlines()))
    names = {"step_kernel", "step_kernel_1", "step_kernel_2", "launches"}
    assert words(out) == words(whole)
    assert names <= set(out.split())


def test_one_object_for_programs(result):
    made = result("gpu-report", "models.py:chain", *TYPES, "--bind", "N=2", "--gpu", "b200")
    assert made["model"] == "models.py:chain"
    assert made["gpu"]["architecture"] == "sm_100"
    assert made["gpu"]["source"]
    (launch,) = made["launches"]
    assert launch["work"] == {"flop": {"f32": 4096}, "read": 24576, "written": 8192}
    assert launch["traffic"] == made["total"]["traffic"] == {"read": 24576, "written": 8192}
    assert (launch["grid"], launch["block"]) == ([2, 1, 1], [256, 1, 1])
    assert launch["registers"] > 0
    assert (launch["stack_bytes"], launch["spilled_bytes"], launch["shared_bytes"]) == (0, 0, 0)
    assert launch["occupancy"]["fraction"] == 1
    assert launch["opcodes"]["LDG.E.128"] == launch["kinds"]["global_load"] == 3
    assert launch["roofline"] == {"seconds": 32768 / 8e12, "bound": "memory"}
    assert made["least"] == {**launch["work"], "seconds": launch["roofline"]["seconds"]}


def test_a_step_without_a_run(result):
    made = result("gpu-report", "iris:linear", "--step", "--no-run")
    assert [each["traffic"] for each in (made["launches"][0], made["total"])] == [None, None]


def test_what_is_empty(command):
    assert "0 launches" in command("gpu-report", "models.py:nothing", "--types", "f32[0]")[1]


@pytest.mark.parametrize("allocator", ["zeros", "full"])
def test_a_run_that_memory_does_not_hold(command, monkeypatch, allocator):
    allocate = getattr(np, allocator)

    def allocate_little(shape, *rest, **options):
        if np.prod(shape) > 1 << 20:
            raise MemoryError("no memory is left")
        return allocate(shape, *rest, **options)

    monkeypatch.setattr(np, allocator, allocate_little)
    code, out, err = command("gpu-report", "models.py:chain", *TYPES, "--bind", "N=1025")
    assert (code, out) == (1, "")
    assert "counting what is moved takes a run: " in err
    assert "leave it out with --no-run" in err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["models.py:chain", *TYPES], "a report needs every size: fix them with --bind N=N"),
        (["models.py:chain", *TYPES, "--bind", "M=2"], "has the symbols ['N'], given ['M']"),
        (["digits", "--gpu", "h100"], "there is no GPU h100: expected one of a100-sxm (sm_80), "),
        (["digits", "--gpu", "b200", "--arch", "sm_90"], "there is no GPU b200 of sm_90"),
        (["digits", "--arch", "sm_35"], "there is no architecture sm_35: expected one of sm_80, sm_90, sm_100"),
        (["digits", "--gpu", "b200", "--arch", "sm_1"], "there is no architecture sm_1: expected one of sm_80"),
        (["nowhere.py:f"], "there is no file nowhere.py"),
    ],
)
def test_what_cannot_be_reported(command, argv, message):
    code, out, err = command("gpu-report", *argv)
    assert (code, out) == (1, "")
    assert message in err
