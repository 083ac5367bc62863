"""Definitions of operations: one entry holds its name, typing rule, reference meaning and samples.

The entry *is* the public function: calling it records the operation in the program being traced, or evaluates its
reference meaning at once when nothing is being traced.
"""

from __future__ import annotations

import enum
import inspect
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from catgrad.dims import Dim, Extent, fits
from catgrad.errors import CatgradError, OutOfMemory, RegistryError, TypeCheckError, located, refuse_misfit
from catgrad.rounding import rounded
from catgrad.text import is_unicode
from catgrad.types import DType, TensorType, as_array

__all__ = ["OPS", "Kind", "Op", "Operation", "Recorder", "Sample", "operation", "recorder", "recording", "typeof"]


_LOCATED = located()


class Kind(enum.Enum):
    """The kinds of static attributes an operation may carry."""

    EXTENT = "extent"
    INT = "int"
    INTS = "ints"
    STR = "str"
    DTYPE = "dtype"
    SHAPE = "shape"
    ARRAY = "array"
    DEFINITION = "definition"

    def fits(self, value: Any) -> bool:
        """Return whether an attribute of this kind may have this value."""
        check = _FITS.get(self)
        return check is None or check(value)


def _is_int(value: Any) -> bool:
    return type(value) is int and fits(value)


def _is_extent(value: Any) -> bool:
    return fits(value) if isinstance(value, Dim) else _is_int(value)


_FITS: dict[Kind, Callable[[Any], bool]] = {
    Kind.EXTENT: _is_extent,
    Kind.INT: _is_int,
    Kind.INTS: lambda value: isinstance(value, tuple) and all(map(_is_int, value)),
    Kind.STR: lambda value: isinstance(value, str) and is_unicode(value),
    Kind.DTYPE: lambda value: isinstance(value, DType),
    Kind.SHAPE: lambda value: isinstance(value, tuple) and all(map(_is_extent, value)),
}
"""What can come from outside, and what the IR can hold; the other kinds hold objects that only catgrad makes."""


@dataclass(frozen=True)
class Operation:
    """An operation with its attributes: the label of a box in the diagram.

    Attributes:
        op: The entry in the table.
        attributes: Name and value pairs, in the order that the entry declares them.
    """

    op: Op
    attributes: tuple[tuple[str, Any], ...] = ()
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((id(self.op), self.attributes)))

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        inside = ", ".join(f"{name}={_show(value)}" for name, value in self.attributes)
        return f"{self.op.name}[{inside}]" if inside else self.op.name

    @property
    def keywords(self) -> dict[str, Any]:
        """The attributes as keyword arguments."""
        return dict(self.attributes)

    def typing(self, *inputs: TensorType) -> tuple[TensorType, ...]:
        """Apply the typing rule; raise `TypeCheckError` if it rejects `inputs`."""
        # Constants are not remembered: their arrays may be large.
        return _typed(self, inputs) if inputs else _typed.__wrapped__(self, inputs)

    def nonempty(self, *inputs: TensorType) -> Sequence[Extent]:
        """Return the extents that have to be at least 1."""
        return () if self.op.nonempty is None else self.op.nonempty(*inputs, **self.keywords)


@lru_cache(1 << 12)
def _typed(operation: Operation, inputs: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
    """Return the types of the results of an operation on operands of some types."""
    op = operation.op
    if op.inputs is not None and len(inputs) != len(op.inputs):
        raise TypeCheckError(f"{op.name} takes {len(op.inputs)} operands, {len(inputs)} given")
    result = op.typing(*inputs, **operation.keywords)
    if 0 in operation.nonempty(*inputs):
        given = ", ".join(map(str, inputs))
        raise TypeCheckError(f"{operation} of {given}: there are no elements, and {op.name} of nothing has no value")
    return result if isinstance(result, tuple) else (result,)


def _show(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(map(str, value)) + ("," if len(value) == 1 else "") + ")"
    return str(value)


@dataclass(frozen=True)
class Sample:
    """Inputs on which every interpretation of an operation must agree.

    Attributes:
        inputs: Arrays.
        attributes: Static attributes.
        smooth: Whether finite differences make sense here (no kink, tie or singularity nearby).
    """

    inputs: tuple[np.ndarray[Any, Any], ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    smooth: bool = True


@dataclass(frozen=True, eq=False)
class Op:
    """An entry in the operation table.

    Attributes:
        name: Its name in Python, JSON and the dialect (`catgrad.NAME`).
        inputs: Names of the operands, or None for any number of them.
        attributes: Names and kinds of the static attributes.
        typing: `(*input types, **attributes) -> type or types`; raises `TypeCheckError`.
        reference: `(xp, *arrays, **attributes) -> array or arrays` for an Array API namespace `xp`.
        samples: `dtype -> samples`, for each of `dtypes`.
        dtypes: Element types of the first operand (of the result, where there is none) that the rule accepts.
        surface: The public calling form, where it is more than the operands and attributes themselves; it gets the
            entry first.
        nonempty: `(*input types, **attributes) -> extents` that have to be at least 1 for a result to exist.
        __doc__: Type and meaning.
    """

    name: str
    inputs: tuple[str, ...] | None
    attributes: Mapping[str, Kind]
    typing: Callable[..., Any]
    reference: Callable[..., Any]
    samples: Callable[[DType], Sequence[Sample]]
    dtypes: tuple[DType, ...]
    surface: Callable[..., Any] | None = None
    nonempty: Callable[..., Sequence[Extent]] | None = None
    doc: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "__doc__", self.doc)
        object.__setattr__(self, "__name__", self.name)
        object.__setattr__(self, "__signature__", _signature(self))
        if self.name in OPS:
            raise RegistryError(f"the operation {self.name} is in the table already: see catgrad/ops")
        OPS[self.name] = self

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _entry, (self.name,)

    def __call__(self, *operands: Any, **arguments: Any) -> Any:
        """Record the operation in its public form, or evaluate it at once when nothing is being traced."""
        with _LOCATED:
            try:
                if self.surface is None:
                    return self.record(*operands, **arguments)
                return self.surface(self, *operands, **arguments)
            except Exception as error:
                refuse_misfit(error, self.name)
                if isinstance(error, CatgradError):
                    error.blame(self.name)
                raise

    def operation(self, **attributes: Any) -> Operation:
        """Return the box label with these attributes; raise `TypeCheckError` if they are not those declared."""
        if attributes.keys() != self.attributes.keys():
            raise TypeCheckError(f"{self.name} has the attributes {list(self.attributes)}, given {list(attributes)}")
        for name, kind in self.attributes.items():
            if not kind.fits(attributes[name]):
                raise TypeCheckError(f"{self.name}: the attribute {name} is not of the kind {kind.value}")
        return Operation(self, tuple((name, attributes[name]) for name in self.attributes))

    def record(self, *operands: Any, **attributes: Any) -> Any:
        """Record (or evaluate) the operation itself: equal shapes, explicit attributes, nothing implied."""
        results = recorder().record(self.operation(**attributes), operands)
        return results[0] if len(results) == 1 else results

    def evaluate(self, xp: Any, *arrays: Any, **attributes: Any) -> tuple[Any, ...]:
        """Evaluate the reference meaning on arrays of the namespace `xp`; 16-bit floats are computed in f32.

        A definition is evaluated operation by operation, each of which does so by itself.
        """
        types = [TensorType.of(array) for array in arrays]
        is_one = Kind.DEFINITION not in self.attributes.values()
        narrow = is_one and any(t.dtype.is_float and t.dtype.bits < 32 for t in types)
        outputs = Operation(self, tuple(attributes.items())).typing(*types)
        wide = [
            xp.astype(array, xp.float32) if t.dtype.is_float and t.dtype.bits < 32 else array
            for array, t in zip(arrays, types, strict=True)
        ]
        try:
            with np.errstate(all="ignore"):
                result = self.reference(xp, *(wide if narrow else arrays), **attributes)
                results = result if isinstance(result, tuple) else (result,)
                return tuple(_as(xp, array, t.dtype) for array, t in zip(results, outputs, strict=True))
        except MemoryError as error:
            shown = ", ".join(map(str, outputs))
            raise OutOfMemory(f"{self.name}: there is not enough memory to compute {shown}: {error}") from None


def _signature(op: Op) -> inspect.Signature:
    """Return how the public function is called: as its surface says, where that names the operands."""
    _, *parameters = inspect.signature(op.surface or Op.record).parameters.values()
    operands = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in op.inputs or ()]
    if op.surface is None:
        rest = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in op.attributes]
        return inspect.Signature([*(parameters[:1] if op.inputs is None else operands), *rest])
    is_named = all(each.kind is not inspect.Parameter.VAR_POSITIONAL for each in parameters)
    return inspect.Signature(parameters if is_named else operands)


def _entry(name: str) -> Op:
    """Return an entry by its name: copies and pickles of an entry are itself."""
    return OPS[name]


OPS: dict[str, Op] = {}
"""The table: every operation by name, in the order of definition."""


def _as(xp: Any, array: Any, dtype: DType) -> Any:
    """Return `array` with element type `dtype`, in the namespace `xp`."""
    if xp is np:
        return rounded(array, dtype)
    target = xp.bool if dtype.is_bool else getattr(xp, np.dtype(dtype.numpy).name)
    return array if array.dtype == target else xp.astype(array, target)


def operation(**entry: Any) -> Callable[[Callable[..., Any]], Op]:
    """Make an entry of a typing rule: the rule's name and docstring become the entry's."""

    def register(typing: Callable[..., Any]) -> Op:
        name = entry.pop("name", typing.__name__)
        return Op(name=name, typing=typing, doc=typing.__doc__ or "", **{"attributes": {}, **entry})

    return register


class Recorder(Protocol):
    """Whatever gives operations a meaning as they are called: a tracer, or immediate evaluation."""

    def record(self, operation: Operation, operands: Sequence[Any]) -> tuple[Any, ...]:
        """Apply `operation` to values and return the resulting values."""

    def constant(self, array: np.ndarray[Any, Any]) -> Any:
        """Return the value of a literal array."""


class Eager:
    """The recorder that records nothing: it evaluates the reference meaning on arrays at once."""

    def record(self, operation: Operation, operands: Sequence[Any]) -> tuple[Any, ...]:
        """Evaluate on arrays; numpy unless an operand brings another Array API namespace."""
        arrays = [x if is_foreign(x) else as_array(x) for x in operands]
        xp = arrays[0].__array_namespace__() if arrays else np
        return operation.op.evaluate(xp, *arrays, **operation.keywords)

    def constant(self, array: np.ndarray[Any, Any]) -> Any:
        """Return the array itself."""
        return array


_EAGER = Eager()
_recorder: ContextVar[Recorder] = ContextVar("recorder", default=_EAGER)


def recorder() -> Recorder:
    """Return what operations are recorded by at the moment."""
    return _recorder.get()


class recording:
    """Context manager: record operations with `recorder`.

    Args:
        recorder: The recorder that gives operations their meaning inside the block.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def __enter__(self) -> Recorder:
        self._token = _recorder.set(self._recorder)
        return self._recorder

    def __exit__(self, *_: object) -> None:
        _recorder.reset(self._token)


def is_foreign(value: Any) -> bool:
    """Return whether a value is an array of another library than NumPy, which computes on it.

    Arrays of NumPy's subclasses, which may have operators of their own, are what they hold.
    """
    return hasattr(value, "__array_namespace__") and not isinstance(value, np.ndarray | np.generic)


def typeof(value: Any) -> TensorType:
    """Return the type of a traced value or an array.

    Example:
        >>> import numpy as np
        >>> typeof(np.zeros((2, 3), np.float32))
        f32[2, 3]
    """
    found = getattr(value, "type", None)
    return found if isinstance(found, TensorType) else TensorType.of(value)


def generator(name: str, dtype: DType) -> np.random.Generator:
    """Return the random generator of an operation's samples: the same in every process."""
    return np.random.default_rng(zlib.crc32(f"{name}:{dtype.name}".encode()))
