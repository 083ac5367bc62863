"""The reference page of the operations, read off the tables that define them.

    python -m catgrad.tools.reference > docs/operations.md

What an operation is comes from its entry, what its derivative saves from the derivative table, and how exact compiled
code is from the bounds beside the formulas.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from catgrad import ops, types
from catgrad.autodiff.rules import DERIVATIVES, NotDifferentiable
from catgrad.ops import Op
from catgrad.ops.elementwise import ALL, FLOATS, NUMBERS
from catgrad.passes.to_linalg.math import max_ulp
from catgrad.types import DType

__all__ = ["page"]

_INTRODUCTION = """\
# Operations

This page is generated from the operation table, by

```sh
.venv/bin/python -m catgrad.tools.reference > docs/operations.md
```

Functions such as `cg.relu`, `cg.mean` or `cg.softmax` are written in these, in
[`catgrad/lang/functions.py`](../catgrad/lang/functions.py).

* **operation**: its name in Python (`cg.exp`, or `cg.ops.copy` where `cg` does not have it), in JSON and in the dialect
  (`catgrad.exp`), with its operands and, after the semicolon, its static attributes.
* **meaning**: X is one dtype and shape throughout. Operands broadcast at the surface; the operation itself sees
  equal shapes.
* **dtypes**: `floats` are f16, bf16, f32, f64; `numbers` are i32, i64 and the floats; `all` are bool and the numbers.
* **derivative**: what the reverse map saves at most (`out` is the result), or why there is none.
"""

_BOUNDS = """\
## Error bounds

The largest distance of compiled code from the exact result, in units in the last place of the result, for every
argument ([`math.py`](../passes/to_linalg/math.py)). Sums and contractions add in any order, and have no such bound.

| operation | f16 | bf16 | f32 | f64 |
|---|---|---|---|---|
"""

_CLASSES: dict[tuple[DType, ...], str] = {FLOATS: "floats", NUMBERS: "numbers", ALL: "all"}
_INDENTED = re.compile(r"\A(Example|Args|Raises):")


def page() -> str:
    """Return the text of `docs/operations.md`."""
    families = [_family(module) for module in _modules() if any(_operations(module))]
    return "\n".join([_INTRODUCTION, *families, _BOUNDS + "".join(map(_bounds, _bounded()))])


def _modules() -> Iterator[ModuleType]:
    for found in iter_modules(ops.__path__):
        yield import_module(f"{ops.__name__}.{found.name}")


def _operations(module: ModuleType) -> Iterator[Op]:
    """Yield the operations that a module defines; what it imports, it does not export."""
    exported = (getattr(module, name) for name in module.__all__)
    yield from (value for value in exported if isinstance(value, Op))


def _family(module: ModuleType) -> str:
    name = module.__name__.rpartition(".")[2]
    summary = inspect.cleandoc(module.__doc__ or "").partition("\n")[0]
    head = "| operation | meaning | dtypes | derivative |\n|---|---|---|---|\n"
    return f"## {name.capitalize()}\n\n{summary}\n\n{head}" + "".join(map(_row, _operations(module)))


def _row(op: Op) -> str:
    cells = f"`{_profile(op)}`", _meaning(op), _dtypes(op), _derivative(op)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _profile(op: Op) -> str:
    operands = "..." if op.inputs is None else ", ".join(op.inputs)
    attributes = ", ".join(f"{name}: {kind.value}" for name, kind in op.attributes.items())
    return f"{op.name}({'; '.join(filter(None, (operands, attributes)))})"


def _meaning(op: Op) -> str:
    """Return type and meaning, without the name that stands beside them and without examples."""
    paragraphs = inspect.cleandoc(op.doc).removeprefix(f"{op.name} : ").split("\n\n")
    return " ".join(" ".join(text.split()) for text in paragraphs if not _INDENTED.match(text))


def _dtypes(op: Op) -> str:
    known = next((name for dtypes, name in _CLASSES.items() if set(dtypes) == set(op.dtypes)), None)
    return known or ", ".join(dtype.name for dtype in types.dtypes if dtype in op.dtypes)


def _derivative(op: Op) -> str:
    if op is ops.call:
        return "calls f.fwd and f.rev"
    rule = DERIVATIVES[op]
    if isinstance(rule, NotDifferentiable):
        return f"none: {rule.reason}"
    return f"saves {', '.join(rule.saved) or 'nothing'}"


def _bounded() -> Iterator[Op]:
    yield from (op for name, op in sorted(ops.OPS.items()) if name in max_ulp)


def _bounds(op: Op) -> str:
    ulp = max_ulp[op.name]
    return f"| `{op.name}` | {ulp['f16']} | {ulp['bf16']} | {ulp['f32']} | {ulp['f64']} |\n"


if __name__ == "__main__":
    print(page(), end="")
