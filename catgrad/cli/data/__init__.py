"""The datasets, as arrays."""

from catgrad.cli.data.dataset import Dataset as Dataset
from catgrad.cli.data.dataset import Examples as Examples
from catgrad.cli.data.loaders import load as load
