"""The language: tracing, functions, modules, layers and optimizers."""
