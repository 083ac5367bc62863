"""Stages of a compilation: the open hypergraph, and the IR after every stage down to assembly."""

from typing import Any

import catgrad as cg


def affine(x: Any, w: Any, b: Any) -> Any:
    """Return the rectified x w + b."""
    return cg.relu(x @ w + b)


def main() -> None:
    """Print the length of every stage, and two of them."""
    native = cg.compile(affine, cg.f32[32, 64], cg.f32[64, 16], cg.f32[16])
    for stage in cg.stages():
        print(f"{stage:<14}{len(native.ir(stage).splitlines()):>6} lines")
    print(native.ir("term"))
    print(native.ir("linalg"))


if __name__ == "__main__":
    main()
