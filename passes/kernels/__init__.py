"""Kernels: contractions and reductions on memrefs become loops over vectors that fit a `Machine`."""
