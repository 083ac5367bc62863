"""Plain functions: traced at symbolic shapes, differentiated, evaluated by reference, compiled once for every size."""

from typing import Any

import numpy as np

import catgrad as cg

B = cg.dim("B")


@cg.function
def energy(x: Any, w: Any) -> Any:
    """Return the sum of tanh(x w) : f32[B, 3] × f32[3, 2] → f32[]."""
    return cg.sum(cg.tanh(x @ w))


def main() -> None:
    """Compare the compiled gradient with the reference, and with a difference quotient."""
    types = cg.f32[B, 3], cg.f32[3, 2]
    gradient = cg.grad(energy, wrt=1)
    print(cg.trace(energy, *types))

    native = cg.compile(gradient, *types)
    generator = np.random.default_rng(0)
    w = generator.normal(size=(3, 2)).astype(np.float32)
    for rows in (1, 5):
        x = generator.normal(size=(rows, 3)).astype(np.float32)
        reference = cg.interpret(cg.trace(gradient, *types), x, w)
        print(f"B = {rows}: compiled and reference differ by {abs(native(x, w) - reference).max():.0e} at most")

    small = np.zeros_like(w)
    small[0, 0] = 0.01
    quotient = (energy(x, w + small) - energy(x, w - small)) / 0.02
    print(f"derivative by w[0, 0]: {native(x, w)[0, 0]:.4f}, difference quotient: {quotient:.4f}")


if __name__ == "__main__":
    main()
