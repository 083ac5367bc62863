"""The parts of `catgrad-opt`; `session` puts them together."""
