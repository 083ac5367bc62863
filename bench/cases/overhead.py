"""Call overhead: the sum of three arrays of sixteen entries."""

from __future__ import annotations

from bench.case import Case, normal, pure

__all__ = ["CASES"]

CASES = (
    Case(
        "call-overhead/4x4",
        normal((4, 4), (4, 4), (4, 4)),
        pure(
            catgrad=lambda cg, a, b, c: a + b + c,
            numpy=lambda np, a, b, c, out=None: np.add(np.add(a, b, out=out), c, out=out),
            torch=lambda torch, a, b, c, out=None: torch.add(torch.add(a, b, out=out), c, out=out),
            jax=lambda jax, a, b, c: a + b + c,
        ),
        reference=lambda a, b, c: a + b + c,
    ),
)
