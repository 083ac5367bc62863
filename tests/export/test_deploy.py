"""The page about deployment is so: its programs are built as it says, and print what is written under them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
TITLE = re.compile(r"(?:#|//|/\*) (\w+\.\w+)")


@pytest.mark.slow
def test_the_commands_of_the_page_do_what_it_says(tmp_path):
    if not all(map(shutil.which, ("gcc", "g++", "make"))):
        pytest.skip("gcc, g++ and make are needed")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    printed = ""
    for kind, text in BLOCKS:
        if kind == "sh":
            command = ["sh", "-euc", text]
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), text
            printed = done.stdout
        elif kind == "text":
            assert printed == text
        else:
            (tmp_path / TITLE.match(text)[1]).write_text(text)
    assert (tmp_path / "examples" / "c" / "train_digits").exists()
