"""Ahead-of-time compilation: libraries with a C interface that need neither catgrad nor Python."""
