"""Passes from the catgrad dialect down to LLVM, the kernels they make, and the pipelines they form."""
