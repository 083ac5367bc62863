"""The catgrad dialect: the operation table as MLIR operations, and the passage between terms and modules."""

from catgrad.dialect.definition import load as load
from catgrad.dialect.emit import emit as emit
from catgrad.dialect.emit import new_context as new_context
from catgrad.dialect.lift import lift as lift
