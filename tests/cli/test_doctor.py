import pytest

from catgrad.cli import examination
from catgrad.cli.examination import Finding
from catgrad.target import highest


def test_the_json_object(result):
    report = result("doctor")
    assert report.keys() == {"ok", "findings"}
    assert report["ok"] is True
    findings = report["findings"]
    assert {"Python", "LLVM", "processor", "vectors", "threads", "CUDA driver", "ptxas", "graphviz"} <= findings.keys()
    for finding in findings.values():
        assert {name: type(value) for name, value in finding.items()} == {
            "found": bool,
            "value": str,
            "needed_for": str,
            "install": str,
            "required": bool,
        }
        assert finding["value"]
        assert finding["found"] or finding["needed_for"]
    assert findings["LLVM"]["value"].startswith("22.")
    assert "bits" in findings["vectors"]["value"]
    assert str(highest()) in findings["level"]["value"]


@pytest.fixture
def findings(monkeypatch):
    """Let the doctor find what the test says."""
    return lambda **found: monkeypatch.setattr(examination, "examine", lambda: found)


def test_what_is_missing_comes_with_its_remedy(command, findings):
    findings(
        cpu=Finding(True, "fast", required=True), dot=Finding(False, "no dot", "diagrams", "apt-get install graphviz")
    )
    code, out, _ = command("doctor")
    assert code == 0
    assert out.split() == "✓ cpu fast – dot no dot needed for diagrams: apt-get install graphviz".split()


def test_what_no_command_installs(command, findings):
    findings(driver=Finding(False, "it does not start", "GPUs"))
    assert command("doctor")[1].split() == "– driver it does not start needed for GPUs".split()


def test_a_machine_that_cannot_compile_fails(command, findings):
    findings(cpu=Finding(False, "no libLLVM.so", "everything", "pip install it", required=True))
    code, out, _ = command("doctor")
    assert code == 1
    assert out.startswith("✗")


@pytest.mark.parametrize(
    ("program", "said"),
    [("raise ImportError('no libLLVM.so')", "ImportError: no libLLVM.so"), ("import os; os.abort()", "ended with -6")],
)
def test_compiling_is_tried_where_a_crash_does_no_harm(monkeypatch, program, said):
    monkeypatch.setattr(examination, "_FUNCTION", program)
    finding = examination.examine()["native code"]
    assert not finding.found
    assert finding.required
    assert said in finding.value
    assert finding.install.startswith("pip install xtc-")


def test_a_machine_without_programs(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(examination, "find_spec", lambda _: None)
    monkeypatch.setattr(examination.tools, "find", lambda _: None)
    monkeypatch.setattr(examination, "_FUNCTION", "")
    found = examination.examine()
    assert not any(found[name].found for name in ("MLIR", "LLVM", "ptxas", "nvdisasm", "graphviz"))
    assert found["processor"].value.endswith("of an unknown kind")


@pytest.mark.parametrize(("name", "value"), [("CATGRAD_CACHE_BYTES", "many"), ("CATGRAD_CACHE_DIR", "/dev/null")])
def test_a_cache_that_cannot_be_used_is_a_finding(monkeypatch, name, value):
    monkeypatch.setenv("CATGRAD_CACHE_DIR", "cache")
    monkeypatch.setenv(name, value)
    found = examination._cache()
    assert not found.found
    assert found.value
