"""Makes the modules of `support` importable by every test, and leaves the user's cache alone."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))
os.environ["CATGRAD_CACHE_DIR"] = ""
