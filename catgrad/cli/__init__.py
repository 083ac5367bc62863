"""The `catgrad` command: train a classifier, show the stages of a compilation, examine the machine."""

from catgrad.cli.main import main as main
