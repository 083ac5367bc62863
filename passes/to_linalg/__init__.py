"""From the catgrad dialect to linalg on tensors: one rule an operation, in files that mirror `catgrad/ops`."""

from catgrad.passes.to_linalg.lowering import ToLinalg as ToLinalg
from catgrad.passes.to_linalg.site import LOWERINGS as LOWERINGS
