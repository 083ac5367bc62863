"""Products of matrices: square, odd, a single row, and with an operand stored transposed."""

from __future__ import annotations

from bench.case import Case, normal, pure

__all__ = ["CASES"]

SIZES = (
    (64, 64, 64),
    (128, 128, 128),
    (256, 256, 256),
    (512, 512, 512),
    (1024, 1024, 1024),
    (100, 37, 211),
    (333, 777, 555),
    (1, 2048, 2048),
)

PLAIN = pure(
    catgrad=lambda cg, a, b: a @ b,
    numpy=lambda np, a, b, out=None: np.matmul(a, b, out=out),
    torch=lambda torch, a, b, out=None: torch.matmul(a, b, out=out),
    jax=lambda jax, a, b: a @ b,
)
RIGHT_TRANSPOSED = pure(
    catgrad=lambda cg, a, b: a @ b.T,
    numpy=lambda np, a, b, out=None: np.matmul(a, b.T, out=out),
    torch=lambda torch, a, b, out=None: torch.matmul(a, b.T, out=out),
    jax=lambda jax, a, b: a @ b.T,
)
LEFT_TRANSPOSED = pure(
    catgrad=lambda cg, a, b: a.T @ b,
    numpy=lambda np, a, b, out=None: np.matmul(a.T, b, out=out),
    torch=lambda torch, a, b, out=None: torch.matmul(a.T, b, out=out),
    jax=lambda jax, a, b: a.T @ b,
)


def plain(rows: int, columns: int, depth: int) -> Case:
    """f32[rows, depth] @ f32[depth, columns]."""
    return Case(
        f"matmul/{rows}x{columns}x{depth}",
        normal((rows, depth), (depth, columns)),
        PLAIN,
        reference=lambda a, b: a @ b,
        flops=2 * rows * columns * depth,
        bytes=4 * (rows * depth + depth * columns + rows * columns),
    )


CASES = (
    *(plain(*size) for size in SIZES),
    Case(
        "matmul/256-nt",
        normal((256, 256), (256, 256)),
        RIGHT_TRANSPOSED,
        reference=lambda a, b: a @ b.T,
        flops=2 * 256**3,
        bytes=12 * 256**2,
    ),
    Case(
        "matmul/256-tn",
        normal((256, 256), (256, 256)),
        LEFT_TRANSPOSED,
        reference=lambda a, b: a.T @ b,
        flops=2 * 256**3,
        bytes=12 * 256**2,
    ),
)
