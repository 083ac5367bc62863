"""The README and the examples: the Python blocks run and print the text under them, links resolve, examples run."""

import contextlib
import io
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", README, re.DOTALL)


def test_the_python_of_the_readme_prints_what_it_says():
    assert BLOCKS
    namespace = {}
    for source, expected in BLOCKS:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(source, "README.md", "exec"), namespace)
        assert printed.getvalue() == expected


def test_the_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("example", sorted(path.name for path in (ROOT / "examples").glob("*.py")))
def test_an_example_runs(example, capsys):
    runpy.run_path(str(ROOT / "examples" / example), run_name="__main__")
    assert capsys.readouterr().out
