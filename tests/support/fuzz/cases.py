"""Fuzz cases: data whose check returns, raises `Failure`, or takes its process with it."""

from __future__ import annotations

import copy
import io
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import catgrad as cg
from catgrad import trees
from catgrad.errors import CatgradError, CompileError
from catgrad.interpret import _symbols as sizes
from catgrad.runtime.buffers import Workspaces
from fuzz.guarded import Guarded
from fuzz.oracle import expect
from fuzz.plan import Plan, generate, trace

__all__ = ["KINDS", "Case", "Failure", "case", "check"]


class Failure(Exception):
    """Something is wrong with catgrad."""


@dataclass(frozen=True)
class Case:
    """Something to try.

    Attributes:
        kind: Which of `KINDS`.
        plan: The program that it is tried with.
        seed: Of what else is chosen.
        text: The IR that is read; what is made of the program at random if None.
    """

    kind: str
    plan: Plan
    seed: int
    text: str | None = None

    def to_json(self) -> str:
        """Return it as one line of text."""
        return json.dumps(asdict(self))

    @staticmethod
    def of_json(text: str) -> Case:
        """Read a case."""
        data = json.loads(text)
        return Case(data["kind"], Plan.of_json(data["plan"]), data["seed"], data.get("text"))


def case(seed: int) -> Case:
    """Return the case of a number: most are about values."""
    kind = ("values", "values", "values", "emulated", "values", "json", "values", "saved", "values", "ir")[seed % 10]
    plan = generate(seed, "cuda:emulate" if kind == "emulated" else "cpu")
    return Case(kind, plan, seed)


def check(tried: Case) -> None:
    """Try a case.

    Raises:
        Failure: catgrad is wrong; the message says how.
    """
    try:
        term = trace(tried.plan)
    except CatgradError:
        return  # a derivative that does not exist
    KINDS[tried.kind](tried, term)


def _check_values(tried: Case, term: cg.Term) -> None:
    """Compiled code gives what the program means, and touches no memory but its own."""
    plan = tried.plan
    expected = expect(term.substitute(sizes(term, plan.inputs)), plan.inputs)
    exe = cg.compile(term, target=plan.target)
    rng = np.random.default_rng(tried.seed)
    guarded, inputs = Guarded(lambda: bool(rng.random() < 0.5)), plan.inputs
    if plan.target == "cpu":
        exe._allocate, exe._workspaces = guarded.empty, Workspaces(guarded.empty)
        inputs = [guarded.copy(array) for array in inputs]
    results = trees.flatten(exe(*inputs))[0]
    for before, after in zip(plan.inputs, inputs, strict=True):
        if before.tobytes() != after.tobytes():
            raise Failure("an input was written")
    for number, (each, result) in enumerate(zip(expected, results, strict=True)):
        complaint = each.complaint(np.asarray(result))
        if complaint:
            raise Failure(f"result {number}: {complaint}")


def _check_json(tried: Case, term: cg.Term) -> None:
    """Whatever JSON says is a term, or one error of ours."""
    data, rng = json.loads(term.to_json()), np.random.default_rng(tried.seed)
    for _ in range(20):
        _read(json.dumps(_mutated(data, rng)))


def _read(text: str) -> None:
    try:
        term = cg.from_json(text)
    except CatgradError:
        return
    if cg.from_json(term.to_json()).to_json() != term.to_json():
        raise Failure("a term that was read is not read again")
    str(term)
    term.to_mlir()


_JUNK = [
    None,
    0,
    -1,
    1.5,
    True,
    "",
    "x",
    "\ud800",
    [],
    [0],
    {},
    10**12,
    10**30,
    "f32[B]",
    "f32[0]",
    "B % 3",
    "exp",
    [[]],
]


def _mutated(data, rng):
    """Return nested JSON with one to three parts changed, removed, doubled or moved."""
    data = copy.deepcopy(data)
    for _ in range(rng.integers(1, 4)):
        places = list(_places(data))
        holder, key = places[rng.integers(len(places))]
        other, other_key = places[rng.integers(len(places))]
        how = rng.integers(4)
        if how == 0:
            holder[key] = copy.deepcopy(_JUNK[rng.integers(len(_JUNK))])
        elif how == 1:
            del holder[key]
        elif how == 2 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[key] = copy.deepcopy(other[other_key])
    return data


def _places(value):
    items = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else ()
    )
    for key, item in items:
        yield value, key
        yield from _places(item)


def _check_saved(tried: Case, term: cg.Term) -> None:
    """Whatever a file holds is an executable, or one error of ours; its code is not trusted here."""
    rng = np.random.default_rng(tried.seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "exe")
        cg.compile(term).save(path)
        content = path.read_bytes()
        for change in (_flipped, _cut, _remade, _remade):
            path.write_bytes(change(content, rng))
            try:
                str(cg.load(path, trust_code=False).signature)
            except CompileError as error:
                raise Failure(f"what was loaded does not compile: {error}") from error
            except CatgradError:
                continue


def _flipped(content: bytes, rng) -> bytes:
    changed = bytearray(content)
    for place in rng.integers(len(content), size=rng.integers(1, 5)):
        changed[place] ^= 1 << rng.integers(8)
    return bytes(changed)


def _cut(content: bytes, rng) -> bytes:
    first, second = sorted(rng.integers(len(content), size=2))
    return content[:first] + content[second:]


def _remade(content: bytes, rng) -> bytes:
    """Return the file with another manifest, whose hashes are right."""
    from catgrad.saved import _hash

    with zipfile.ZipFile(io.BytesIO(content)) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    manifest = json.loads(parts["manifest.json"])
    manifest["about"] = _mutated(manifest["about"], rng)
    manifest["sha256"]["about"] = _hash(json.dumps(manifest["about"]).encode())
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, part in {**parts, "manifest.json": json.dumps(manifest).encode()}.items():
            file.writestr(name, part)
    return made.getvalue()


def _check_ir(tried: Case, term: cg.Term) -> None:
    """Whatever a module's text says is a module of terms, or an error of ours, unless MLIR's parser cannot stand it."""
    from mlir import ir

    from catgrad.dialect import lift

    for text in [tried.text] if tried.text is not None else _mutated_texts(term.to_mlir(), tried.seed):
        if not _survived(text):
            continue
        with _quiet_context():
            try:
                lifted = lift(ir.Module.parse(text))
            except (CatgradError, ir.MLIRError):
                continue
            for each in lifted.values():
                cg.check(each)


def _mutated_texts(text: str, seed: int) -> Iterator[str]:
    rng = np.random.default_rng(seed)
    for _ in range(20):
        pieces = re.split(r"(\W)", text)
        for _ in range(rng.integers(1, 4)):
            one, other = rng.integers(len(pieces), size=2)
            pieces[one] = (pieces[other], "", "-1", "?", "99999999999999999999")[rng.integers(5)]
        yield "".join(pieces)


def _survived(text: str) -> bool:
    """Return whether MLIR's parser comes back from a text, tried in a fork: there are texts that it aborts on."""
    from mlir import ir

    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        with _quiet_context(), suppress(ir.MLIRError):
            ir.Module.parse(text)
        os._exit(0)
    return not os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _quiet_context() -> Any:
    """Return a context whose errors are exceptions and no output."""
    from catgrad.dialect import new_context

    context = new_context()
    context.emit_error_diagnostics = True
    context.attach_diagnostic_handler(lambda _: True)
    return context


KINDS: dict[str, Callable[[Case, cg.Term], None]] = {
    "values": _check_values,
    "emulated": _check_values,
    "json": _check_json,
    "saved": _check_saved,
    "ir": _check_ir,
}
