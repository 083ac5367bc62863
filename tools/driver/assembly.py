"""Modules in and out of MLIR: parsed from text or bytecode, printed as either."""

from __future__ import annotations

from io import BytesIO

from mlir import ir

from catgrad.tools.driver.arguments import Settings

__all__ = ["UNNAMED", "parse", "printed", "uses"]

UNNAMED = "-"
"""What MLIR calls the text it is given, in locations."""


def parse(content: str | bytes, file: str) -> ir.Module:
    """Return the module that `content` describes, with locations in `file`.

    Raises:
        MLIRError: It describes none; diagnostics, with locations in `UNNAMED`, say why.
    """
    module = ir.Module.parse(content)

    def relocate(operation: ir.Operation) -> ir.WalkResult:
        operation.location = _moved(operation.location, file)
        for region in operation.regions:
            for argument in (argument for block in region for argument in block.arguments):
                argument.set_location(_moved(argument.location, file))
        return ir.WalkResult.ADVANCE

    module.operation.walk(relocate)
    return module


def uses(module: ir.Operation, dialect: str) -> bool:
    """Return whether an operation of `dialect` is anywhere in `module`."""
    found = False

    def look(operation: ir.Operation) -> ir.WalkResult:
        nonlocal found
        found = operation.name.startswith(f"{dialect}.")
        return ir.WalkResult.INTERRUPT if found else ir.WalkResult.ADVANCE

    module.walk(look)
    return found


def printed(module: ir.Operation, settings: Settings) -> str | bytes:
    """Return `module` in the form that the settings ask for."""
    if settings.emit_bytecode:
        stream = BytesIO()
        module.write_bytecode(stream)
        return stream.getvalue()
    text: str = module.get_asm(
        large_elements_limit=settings.mlir_elide_elementsattrs_if_larger,
        large_resource_limit=settings.mlir_elide_resource_strings_if_larger,
        enable_debug_info=settings.mlir_print_debuginfo,
        print_generic_op_form=settings.mlir_print_op_generic,
        use_local_scope=settings.mlir_print_local_scope,
    )
    return text + "\n"


def _moved(location: ir.Location, file: str) -> ir.Location:
    """Return `location` in `file`, if it is in the unnamed text."""
    if not location.is_a_file() or location.filename != UNNAMED:
        return location
    return ir.Location.file(file, location.start_line, location.start_col)
