"""Objects of users' classes that several tests hold in modules."""

import enum

import catgrad as cg


class Names(dict):
    """A dict with a value for every key."""

    def __missing__(self, name):
        return 5.0


class Colour(enum.Enum):
    RED = 1.0
    BLUE = 2.0


class Capturing(cg.Module):
    """A module that calls a function which may use values of traces around it."""

    def __init__(self, use):
        self.use = use

    def forward(self, x):
        return self.use(x)
