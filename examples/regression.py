"""A line through points, by gradient descent that is written out: no module, no optimizer."""

from typing import Any

import numpy as np

import catgrad as cg


def loss(line: Any, x: Any, y: Any) -> Any:
    """Return the mean squared error of slope · x + offset."""
    return cg.mean(cg.square(line["slope"] * x + line["offset"] - y))


def descend(line: Any, x: Any, y: Any) -> Any:
    """Return the line after one step, and its loss before."""
    value, gradient = cg.value_and_grad(loss)(line, x, y)
    return {name: line[name] - 0.5 * gradient[name] for name in line}, value


def main() -> None:
    """Find the line y = 3 x - 1 in noise."""
    number, points = cg.f32[()], cg.f32[100]
    step = cg.compile(descend, {"slope": number, "offset": number}, points, points, donate=0)
    generator = np.random.default_rng(0)
    x = generator.uniform(-1, 1, 100).astype(np.float32)
    y = (3 * x - 1 + generator.normal(0, 0.1, 100)).astype(np.float32)
    line = {"slope": np.zeros((), np.float32), "offset": np.zeros((), np.float32)}
    for _ in range(100):
        line, _ = step(line, x, y)
    print(f"y = {line['slope']:.2f} x {line['offset']:+.2f}")


if __name__ == "__main__":
    main()
