"""Modules that are at the linalg level already, calls of what is compiled from them, and modules on their way."""

from catgrad.backend import emitted
from catgrad.passes.base import Pass
from catgrad.passes.pipelines import stages
from catgrad.passes.runner import run
from catgrad.prepare import prepare
from catgrad.runtime.buffers import Frame, Workspaces, address, aligned_empty


class AsItIs(Pass):
    """The input is at the linalg level already."""

    name = "as-it-is"

    def run(self, module):
        pass


def call(native, *operands):
    integers = [x for x in operands if isinstance(x, int)]
    arrays = [x for x in operands if not isinstance(x, int)]
    frame = Frame(integers, [*(array.shape for array in arrays), (0,)])
    workspace = Workspaces(aligned_empty).borrow(native.measure(frame.address))
    frame.fill(map(address, [*arrays, workspace]))
    native.entry(frame.address)


def after(stage, f, *types):
    """Return the module of a function after a stage, as text."""
    texts = {}
    run(emitted(prepare(f, *types)), stages()[1:], lambda done, module: texts.update({done.name: str(module)}))
    return texts[stage]
