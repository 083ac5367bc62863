"""Calling compiled code: signatures, executables, and the memory they share with native code.

`catgrad.runtime.engine`, which makes the code, is not imported here, since it needs MLIR.
"""

from catgrad.runtime.executable import Code, Executable
from catgrad.runtime.signature import Signature

__all__ = ["Code", "Executable", "Signature"]
