"""Optimizers, each a lens written in the core operations."""

from catgrad.lang.optim.optimizer import Optimizer as Optimizer
from catgrad.lang.optim.optimizer import adam as adam
from catgrad.lang.optim.optimizer import sgd as sgd
