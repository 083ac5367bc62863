"""Docstrings open with the standard term, never with a question word."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
QUESTIONS = ("How ", "What ", "When ", "Where ", "Which ", "Who ", "Why ")
FOLDERS = ("bench", "catgrad", "dialect", "examples", "passes", "tools")


def riddles(file):
    """Yield the places in a file whose docstrings open so."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text and text.startswith(QUESTIONS):
                yield f"{file.relative_to(ROOT)}: {text.splitlines()[0]}"


def test_no_docstring_is_a_riddle():
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py")) if ".venv" not in file.parts]
    assert len(files) > 300
    assert [riddle for file in files for riddle in riddles(file)] == []
