"""Sources of executables: new code, the cache, or a file; and what each can tell of its code."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

from catgrad import cache, files, own_code, seal, trees
from catgrad.cache import Cache
from catgrad.cached import cached_property
from catgrad.errors import CatgradError, CompileError
from catgrad.json_reader import from_json
from catgrad.location import caller
from catgrad.native import critical
from catgrad.prepare import TERM, signature_of
from catgrad.runtime import Code, Executable, Signature
from catgrad.runtime.link import link
from catgrad.runtime.structure import tuple_tree
from catgrad.saved import About, Saved, from_bytes, read
from catgrad.target import HOST, is_cpu, target
from catgrad.term import Term

__all__ = ["Source", "executable", "load"]

_BEST = "cuda"
LOAD, STORE = "load", "store"
"""What takes time besides the stages: reading code that was compiled before, and keeping it."""


@dataclass(frozen=True)
class Source:
    """A simplified term on its way to native code.

    Attributes:
        term: The term.
        signature: What its code takes and gives.
        target: What the code runs on.
    """

    term: Term
    signature: Signature
    target: str

    @property
    @critical()
    def stages(self) -> tuple[str, ...]:
        """The names that `ir` knows, in the order of the compilation."""
        from catgrad.backend import stage_names  # here, as below, so that loading an executable does not import mlir

        return (TERM, *stage_names(self.target))

    @critical()
    def ir(self, stage: str) -> str:
        """Return the IR after a stage; the term is compiled once more for it, and the texts are kept.

        Raises:
            CatgradError: There is no such stage; the message lists them.
        """
        if stage not in self.stages:
            raise CatgradError(f"{self.signature.name} has no stage {stage!r}: its stages are {', '.join(self.stages)}")
        return str(self.term) if stage == TERM else self._texts(stage)

    @cached_property
    def key(self) -> str:
        """Cache key of the compiled code: everything that its machine code depends on."""
        with critical():
            from catgrad.passes.machine import Machine

        wanted = target(self.target)
        machine = replace(Machine.of(wanted), features=frozenset())
        return cache.key(
            term=self._json,
            donated=self.signature.donated,
            target=wanted.name,
            processor=[wanted.processor, sorted(wanted.features), repr(machine)],
        )

    def kept(self, object_code: bytes) -> Saved:
        """Return what the cache holds; whoever finds it there knows how arguments and results are nested."""
        wanted = target(self.target)
        about = About(
            name=self.signature.name,
            type=str(self.signature),
            target=wanted.name,
            donated=list(self.signature.donated),
            processor=wanted.processor,
            features=sorted(wanted.features),
            versions=cache.versions(),
            key=self.key,
        )
        return Saved(about, self._json, object_code)

    def save(self, path: Path, object_code: bytes) -> None:
        """Write a file of its executable."""
        kept = self.kept(object_code)
        if kept.excess:
            raise CatgradError(kept.excess)
        nesting = [trees.to_json(tree) for tree in (self.term.input_tree, self.term.output_tree)]
        about = replace(kept.about, nesting=nesting, strict=self.signature.strict)
        files.replace({path: replace(kept, about=about).to_bytes()})

    def reduced(self, object_code: bytes) -> tuple[Any, ...]:
        """Return what a pickle of its executable has: the file without its nesting, and examples of that."""
        examples = [trees.example(tree) for tree in self.signature.trees]
        signature = replace(self.signature, input_tree=None, output_tree=None)
        return _restored, (self.kept(object_code).to_bytes(), signature, *examples)

    @critical()
    def export(self, folder: Path, name: str | None, target: str, parameters: Mapping[str, Any] | None) -> list[Path]:
        """Write a library of its one function."""
        from catgrad.export.folder import export
        from catgrad.export.programs import FUNCTIONS, PREDICT

        own = self.signature.name
        function = own if own in FUNCTIONS else PREDICT
        return export(folder, {function: (self.term, self.signature)}, name, target, parameters)

    @cached_property
    def _json(self) -> str:
        inputs, outputs = (tuple_tree(len(types)) for types in (self.term.source_types, self.term.target_types))
        return self.term.nested(inputs, outputs, self.term.input_names).to_json()

    @cached_property
    def _texts(self) -> Callable[[str], str]:
        from catgrad.backend import texts

        return texts(self.term, self.signature, self.target)


def executable(source: Source, seconds: MutableMapping[str, float]) -> Executable:
    """Return the executable of a source, from the user's cache if it is there.

    Args:
        source: What to compile.
        seconds: How long earlier stages took; completed here.

    Raises:
        CatgradError: There is nothing here that runs code for the target.
        CompileError: A pass failed.
    """
    source = _settled(source)
    return _executable(source, _known(source, seconds) or _new(source, seconds), seconds)


def load(path: Path, trust_code: bool) -> Executable:
    """Return the executable of a file; see `catgrad.load`."""
    started = perf_counter()
    saved = read(path)
    return _loaded(saved, _source(saved, path), trust_code, {LOAD: perf_counter() - started})


def _restored(content: bytes, signature: Signature, inputs: Any, outputs: Any) -> Executable:
    """Return the executable of a pickle, which runs code anyway."""
    started = perf_counter()
    saved = from_bytes(content, Path("the pickle of an executable"))
    takes, gives = trees.flatten(inputs)[1], trees.flatten(outputs)[1]
    term = from_json(saved.term).nested(takes, gives, signature.input_names)
    signature = replace(signature, input_tree=takes, output_tree=gives)
    source = Source(term, signature, saved.about.target)
    return _loaded(saved, source, True, {LOAD: perf_counter() - started})


def _loaded(saved: Saved, source: Source, trust_code: bool, seconds: MutableMapping[str, float]) -> Executable:
    """Return the executable of a source with the code that was saved, or new code where that cannot run here."""
    source = _settled(source)
    is_fit = trust_code and target(HOST).features >= set(saved.about.features)
    code = _linked(source, saved) if is_fit else _known(source, seconds) or _new(source, seconds)
    return _executable(source, code, seconds)


def _source(saved: Saved, path: Path) -> Source:
    """Return what a file's code was compiled from."""
    if saved.about.nesting is None:
        raise CatgradError(f"{path} is an entry of the cache: save an executable with `exe.save`")
    flat = from_json(saved.term)
    try:
        inputs, outputs = map(trees.from_json, saved.about.nesting)
        term = flat.nested(inputs, outputs, flat.input_names)
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise CatgradError(f"{path} is not what `exe.save` writes: {type(error).__name__}: {error}") from None
    signature = replace(signature_of(term, tuple(saved.about.donated)), strict=saved.about.strict is True)
    return Source(term, signature, saved.about.target)


@critical()
def _settled(source: Source) -> Source:
    """Return a source whose target is that of the device which is there, if it leaves that open."""
    if is_cpu(source.target):
        wanted = target(source.target)
        wanted.check_host()
        return replace(source, target=wanted.name)
    if source.target != _BEST:
        return source
    from catgrad.runtime.gpu.devices import find_device

    return replace(source, target=find_device(source.target).target)


@critical()
def _linked(source: Source, saved: Saved) -> Code:
    """Return the code of a file."""
    return link(saved.code, source.signature.name)


@critical()
def _known(source: Source, seconds: MutableMapping[str, float]) -> Code | None:
    """Return code from the user's cache, if it is there."""
    kept, started = _cache(source), perf_counter()
    saved = kept.find(source.key) if kept else None
    if saved is None:
        return None
    try:
        code = _linked(source, saved)
    except CompileError:
        return None
    seconds[LOAD] = perf_counter() - started
    return code


@critical()
def _new(source: Source, seconds: MutableMapping[str, float]) -> Code:
    """Return new code, which goes into the user's cache."""
    from catgrad.backend import build

    code = build(source.term, source.signature, source.target, seconds)
    kept, started = _cache(source), perf_counter()
    if kept:
        try:
            kept.add(source.kept(code.object_code))
        except OSError as error:
            _warn_once((type(error), error.errno, kept.folder, seal.key_path()), kept.advice(error))
        seconds[STORE] = perf_counter() - started
    return code


_warned: set[Hashable] = set()
"""The causes of which users of this process know."""


def _warn_once(cause: Hashable, message: str) -> None:
    """Warn at the user's line that led here, unless the cause has been told: each compilation would meet it again."""
    if cause in _warned:
        return
    _warned.add(cause)
    place = caller()
    if place is None:
        warnings.warn(message, stacklevel=2)
    else:
        warnings.warn_explicit(message, UserWarning, place.file, place.line)


def _cache(source: Source) -> Cache | None:
    """Return where the code of a source is kept: that of processors in the user's cache.

    Code is not kept while somebody works on catgrad: this process may have read a file that has changed since.
    """
    kept = Cache.of_user() if is_cpu(source.target) else None
    return None if kept is None or own_code.has_changed() else kept


@critical()
def _executable(source: Source, code: Code, seconds: Mapping[str, float]) -> Executable:
    if is_cpu(source.target):
        return Executable(source.signature, code, source=source, compile_seconds=seconds, target=source.target)
    from catgrad.runtime.gpu.devices import find_device
    from catgrad.runtime.gpu.executable import GpuExecutable

    device = find_device(source.target)
    return GpuExecutable(source.signature, code, device, source=source, compile_seconds=seconds, target=source.target)
