"""The C header of a library.

Example:
    >>> import catgrad as cg
    >>> from catgrad.prepare import prepare
    >>> from catgrad.export.interface import interface
    >>> _, signature = prepare(lambda x: x + x, cg.f32[cg.dim("B"), 4])
    >>> print(header(interface("net", {"twice": signature})).partition("/* twice")[2].partition(";")[0])
    <BLANKLINE>
     *
     *   B       0 or more
     *   x       f32[B, 4], read
     *   result  f32[B, 4], written
     */
    size_t net_twice_workspace(int64_t B)
"""

from __future__ import annotations

from catgrad.dims import Symbol
from catgrad.export.interface import Array, Function, Interface, Member, Struct
from catgrad.export.status import Status
from catgrad.types import DType, bf16, bool_, f16, f32, f64, i32, i64

__all__ = ["header"]

_C_TYPES: dict[DType, str] = {
    bool_: "uint8_t",
    i32: "int32_t",
    i64: "int64_t",
    f16: "uint16_t",
    bf16: "uint16_t",
    f32: "float",
    f64: "double",
}

_BUILD = 65
"""The size of what identifies the code: a hash in hexadecimal, and its end."""

_PREAMBLE = """\
/* {name}: functions compiled by catgrad.
 *
 * Arrays lie row by row without gaps. Comments tell their types: f32[B, 64] has B rows of 64 floats. Elements are bool
 * (a byte, 0 or 1), i32, i64, f16 and bf16 (their bits), f32 and f64. An array that is written, or updated in place,
 * does not overlap another one.
 *
 * Pointers are never NULL, those to arrays without elements included.
 *
 * Functions return {NAME}_OK, or say what is wrong with their arguments and have done nothing.
 *
 * A workspace is memory that a call works in, and leaves with no meaning. It may begin anywhere, and is as large as the
 * _workspace function says for the same dimensions; that is 0 if a dimension is out of its range, or makes an array of
 * more than 2^46 elements, be it one on the way to the results. No call allocates memory or keeps any state, so calls
 * may overlap that share neither a workspace nor an array that is written.
 */
#ifndef CATGRAD_LIBRARY_{NAME}
#define CATGRAD_LIBRARY_{NAME}

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif
"""

_END = """\
#ifdef __cplusplus
}
#endif

#endif
"""


def header(interface: Interface) -> str:
    """Return the text of the header."""
    parts = [
        _PREAMBLE.format(name=interface.name, NAME=interface.name.upper()),
        _statuses(interface.name),
        *(_struct(interface, struct) for struct in interface.structs),
        *(_function(interface, function) for function in interface.functions),
        *_constants(interface),
        _END,
    ]
    return "\n".join(parts)


def _statuses(name: str) -> str:
    values = [f"    {name.upper()}_{status.name} = {status.value}, /* {status.text} */\n" for status in Status]
    text = f"/* What a status means, in words. */\nconst char *{name}_status_text({name}_status status);\n"
    build = f"/* Identifies the code. */\nextern const char {name}_build[{_BUILD}];\n"
    check = f"/* Whether this processor can run the library. */\n{name}_status {name}_check(void);\n"
    return f"typedef int32_t {name}_status;\nenum {{\n{''.join(values)}}};\n\n{text}\n{check}\n{build}"


def _struct(interface: Interface, struct: Struct) -> str:
    """Return the declaration of a struct, and a macro that lists its members where they are arrays of known size."""
    members = "".join(f"    {_declaration(interface, member)};{_comment(member)}\n" for member in struct.members)
    macro = _list(struct, interface.macros[struct.name])
    return f"typedef struct {struct.name} {{\n{members}}} {struct.name};\n{macro}"


def _declaration(interface: Interface, member: Member) -> str:
    if isinstance(member, Array):
        return f"{_C_TYPES[member.type.dtype]} *{member.name}"
    return f"{interface.struct(member).name} {member.name}"


def _comment(member: Member) -> str:
    return f" /* {member.type} */" if isinstance(member, Array) else ""


def _list(struct: Struct, macro: str) -> str:
    arrays = [member for member in struct.members if isinstance(member, Array)]
    if len(arrays) < len(struct.members) or any(array.type.symbols for array in arrays):
        return ""
    each = next(name for name in ("X", "X_", "X__") if name not in {array.name for array in arrays})
    rows = [f"    {each}({a.name}, {_string(str(a.key))}, {_C_TYPES[a.type.dtype]}, {a.type.size})" for a in arrays]
    title = f"/* Its members: {each}(member, name, type of an element, number of elements) for each. */\n"
    return f"\n{title}#define {macro}({each}) \\\n" + " \\\n".join(rows) + "\n"


def _string(text: str) -> str:
    """Return the literal of a string of UTF-8; what does not stand for itself in every dialect of C is in octal."""
    plain = {*range(ord(" "), 0x7F)} - {*b'"?\\'}
    return (
        '"'
        + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in text.encode(errors="surrogatepass"))
        + '"'
    )


def _function(interface: Interface, function: Function) -> str:
    """Return the prototypes of a function and of the size of its workspace."""
    dimensions = [f"int64_t {name}" for name in function.dimension_names]
    given = [_parameter(interface, member) for member in function.parameters]
    parameters = [*dimensions, *given, "void *workspace", "size_t workspace_size"]
    size = f"size_t {function.symbol}_workspace({', '.join(dimensions) or 'void'});\n"
    prototype = f"{interface.name}_status {function.symbol}(\n    " + ",\n    ".join(parameters) + ");\n"
    about = f"/* {function.name}\n *\n{_described(interface, function)} */\n"
    return f"{about}{size}{prototype}"


def _constants(interface: Interface) -> list[str]:
    """Return what defines the dimensions with values, if there are any: behind all names that it could replace."""
    bound = [(f, *dimension) for f in interface.functions for dimension in f.signature.bound]
    lines = [f"#define {interface.constants[f.name, name]} INT64_C({value})\n" for f, name, value in bound]
    return ["".join(["/* Dimensions that were given values. */\n", *lines])] if lines else []


def _parameter(interface: Interface, member: Member) -> str:
    if isinstance(member, Array):
        return f"{'' if member.is_written else 'const '}{_C_TYPES[member.type.dtype]} *{member.name}"
    return f"const {interface.struct(member).name} *{member.name}"


def _described(interface: Interface, function: Function) -> str:
    """Return a table of what a function takes."""
    dimensions = zip(function.dimension_names, function.dimensions, strict=True)
    rows = [(name, _range(symbol)) for name, symbol in dimensions]
    rows += [(member.name, f"{_type(interface, member)}, {_use(member)}") for member in function.inputs]
    rows += [(member.name, f"{_type(interface, member)}, written") for member in function.outputs]
    width = max((len(name) for name, _ in rows), default=0)
    return "".join(f" *   {name:{width}}  {text}\n" for name, text in rows)


def _range(symbol: Symbol) -> str:
    multiple = f", a multiple of {symbol.multiple_of}" if symbol.multiple_of > 1 else ""
    return f"{symbol.min} {'or more' if symbol.max is None else f'to {symbol.max}'}{multiple}"


def _type(interface: Interface, member: Member) -> str:
    return str(member.type) if isinstance(member, Array) else interface.struct(member).name


def _use(member: Member) -> str:
    return "updated in place" if member.is_written else "read"
