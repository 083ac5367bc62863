"""Running the steps of a pipeline: each is a pass manager of its own, so that our passes and MLIR's mix freely."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlir import ir
from mlir.passmanager import ExternalPass, PassManager

from catgrad.errors import CatgradError
from catgrad.passes.base import DiagnosticError, Pass
from catgrad.tools.driver.arguments import Settings
from catgrad.tools.driver.errors import PipelineError
from catgrad.tools.driver.schedule import ROOT, Step

__all__ = ["Task", "prepare"]

_RESTRICTED = re.compile(r"restricted to '([\w.]+)' on a PassManager intended to run on 'builtin\.module'")
_PREFIX = re.compile(r"^(MLIR Textual PassPipeline Parser:\d+:\d+: error|<Pass-Options-Parser>): ")


@dataclass(frozen=True)
class Task:
    """A step, ready to run in the current context."""

    step: Step
    manager: PassManager

    def run(self, module: ir.Operation) -> None:
        """Transform `module`; raise `MLIRError`, after diagnostics, if the pass or the verifier fails."""
        if not isinstance(self.step.work, Pass):
            self.manager.run(module)
            return
        for operation in list(_nested(module, self.step.nesting)):
            self.manager.run(operation)


def prepare(step: Step, settings: Settings) -> Task:
    """Return `step` as a task; raise `PipelineError` if MLIR does not know the pass, its options or its place."""
    if isinstance(step.work, Pass):
        manager = _manager(step, settings)
        manager.add(_callback(step.work, settings.debug), name=type(step.work).__name__, argument=step.name)
        return Task(step, manager)
    return Task(step, _upstream(step, settings))


def _upstream(step: Step, settings: Settings) -> PassManager:
    """Return the manager of a pass of MLIR's; at the top of a pipeline a pass finds its operations by itself."""
    manager = _manager(step, settings)
    try:
        manager.add(str(step.element()))
    except ValueError as error:
        restricted = _RESTRICTED.search(str(error))
        if restricted is None or step.nesting:
            raise PipelineError(_reason(str(error), step)) from None
        return _upstream(Step(step.work, (restricted[1],)), settings)
    return manager


def _reason(message: str, step: Step) -> str:
    """Return the first line of MLIR's `message` about a pipeline of one pass, without the name of the parser."""
    return f"pass '{step.name}': {_PREFIX.sub('', message.strip().splitlines()[0])}"


def _manager(step: Step, settings: Settings) -> PassManager:
    """Return an empty pass manager that verifies and prints as the settings say."""
    manager = PassManager(ROOT)
    manager.enable_verifier(settings.verify_each)
    before = settings.mlir_print_ir_before_all or step.name in settings.mlir_print_ir_before
    after = settings.mlir_print_ir_after_all or step.name in settings.mlir_print_ir_after
    # Restricting the printing after passes, without naming passes, is about all of them.
    restricted = settings.mlir_print_ir_after_change or settings.mlir_print_ir_after_failure
    after |= restricted and not settings.mlir_print_ir_after
    if before or after:
        manager.enable_ir_printing(
            print_before_all=before,
            print_after_all=after,
            print_module_scope=settings.mlir_print_ir_module_scope,
            print_after_change=settings.mlir_print_ir_after_change,
            print_after_failure=settings.mlir_print_ir_after_failure,
            large_elements_limit=settings.mlir_elide_elementsattrs_if_larger,
            large_resource_limit=settings.mlir_elide_resource_strings_if_larger,
            enable_debug_info=settings.mlir_print_debuginfo,
            print_generic_op_form=settings.mlir_print_op_generic,
        )
    return manager


def _callback(work: Pass, debug: bool) -> Callable[[ir.Operation, ExternalPass], None]:
    """Return `work` as MLIR calls it: what it raises becomes a diagnostic and a failure of the pass."""

    def run(operation: ir.Operation, handle: ExternalPass) -> None:
        try:
            work.run(operation)
        except DiagnosticError as error:
            error.location.emit_error(error.message)
        except CatgradError as error:
            operation.location.emit_error(str(error))
        except ir.MLIRError:
            pass  # MLIR reported it when it happened
        except Exception as error:
            if debug:
                traceback.print_exc()
            reason = f"{type(error).__name__}: {error}"
            operation.location.emit_error(f"internal error in pass '{work.name}': {reason}")
        else:
            return
        handle.signal_pass_failure()

    return run


def _nested(operation: ir.Operation, nesting: tuple[str, ...]) -> Iterator[ir.Operation]:
    """Yield the operations that `nesting` leads to, from `operation`."""
    if not nesting:
        yield operation
        return
    for child in _children(operation):
        if child.name == nesting[0]:
            yield from _nested(child, nesting[1:])


def _children(operation: ir.Operation) -> Iterator[ir.Operation]:
    """Yield the operations in the regions of `operation`."""
    for region in operation.regions:
        for block in region:
            yield from (child.operation for child in block)
