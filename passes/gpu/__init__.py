"""Kernels for GPUs: linalg operations on buffers become grids of threads."""
