"""Makes the modules of `support` importable, leaves the user's cache alone, samples tests, and looks for a device."""

import os
import sys
import tempfile
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))
os.environ["CATGRAD_CACHE_DIR"] = ""
_data = tempfile.TemporaryDirectory(prefix="catgrad-test-data-")
os.environ["XDG_DATA_HOME"] = _data.name
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # tests start many processes, each of which would compile catgrad anew


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark all but a sample of a test's parameters as slow, if the test is marked `sampled(every, *names)`.

    One of `every` stays, and at least one for all values of the parameters `names`. Samples begin at different places,
    so that together they cover what the other parameters range over.
    """
    groups = defaultdict(list)
    for item in items:
        if mark := item.get_closest_marker("sampled"):
            every, *names = mark.args
            values = [str(item.callspec.params[name]) for name in names]
            groups[(item.location[0], item.originalname, every, *values)].append(item)
    for start, ((_, _, every, *_), members) in enumerate(groups.items()):
        for i, item in enumerate(members):
            if (i - start) % min(every, len(members)):
                item.add_marker(pytest.mark.slow)


def pytest_runtest_setup(item):
    """Skip what needs a device where there is none."""
    if item.get_closest_marker("gpu") and (reason := _missing()):
        pytest.skip(reason)


@cache
def _missing():
    """Return the reason why nothing can run on a device, if there is one."""
    from catgrad.runtime.gpu.cuda import CudaDevice
    from catgrad.runtime.gpu.driver import MissingDriver

    try:
        CudaDevice()
    except MissingDriver as error:
        return error.message
    return None
