"""The traceback of an error as a user sees it."""

import sys
from traceback import walk_tb

from catgrad.own_code import is_own


def frames(error):
    """Return the frames, but for one of catgrad that Python 3.10 keeps: that of the function which the user called."""
    found = [frame for frame, _ in walk_tb(error.__traceback__)]
    kept = next((frame for frame in found if is_own(frame)), None) if sys.version_info < (3, 11) else None
    return [frame for frame in found if frame is not kept]
