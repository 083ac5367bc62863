"""lit's configuration: `lit lit_tests` works from any folder."""

# ruff: noqa: F821 (lit provides `config`)
import os

from catgrad.tools.lit_format import SUBSTITUTIONS, InProcess

config.name = "catgrad"
config.test_format = InProcess()
config.suffixes = [".mlir", ".py"]
config.excludes = ["Inputs", "lit.cfg.py"]
config.test_source_root = os.path.dirname(__file__)
config.substitutions += SUBSTITUTIONS
