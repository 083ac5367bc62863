"""The reference page of the operations is what the tables give, and leaves nothing out."""

import re
from pathlib import Path

from catgrad.ops import OPS
from catgrad.tools.reference import page

PAGE = Path(__file__).parents[1] / "docs" / "operations.md"


def test_the_page_is_up_to_date():
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(), "run: .venv/bin/python -m catgrad.tools.reference > docs/operations.md"


def test_every_operation_has_one_row():
    assert sorted(re.findall(r"^\| `(\w+)\(", page(), re.MULTILINE)) == sorted(OPS)
