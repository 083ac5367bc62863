"""Makes the modules of `support` importable, leaves the user's cache alone, and knows whether there is a device."""

import os
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))
os.environ["CATGRAD_CACHE_DIR"] = ""
_data = tempfile.TemporaryDirectory(prefix="catgrad-test-data-")
os.environ["XDG_DATA_HOME"] = _data.name


def pytest_runtest_setup(item):
    """Skip what needs a device where there is none."""
    if item.get_closest_marker("gpu") and (reason := _missing()):
        pytest.skip(reason)


@cache
def _missing():
    """What is missing for running on a device, if anything is."""
    from catgrad.runtime.gpu.cuda import CudaDevice
    from catgrad.runtime.gpu.driver import MissingDriver

    try:
        CudaDevice()
    except MissingDriver as error:
        return error.message
    return None
