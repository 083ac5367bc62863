"""Names that C, C++, Python, their headers, libraries and modules leave free."""

from __future__ import annotations

import builtins
import keyword
import re
import reprlib
import sys
from collections.abc import Collection, Hashable, Iterable
from itertools import chain, count

from catgrad.errors import CatgradError
from catgrad.export import loader

__all__ = ["OWN", "Scope", "check_names", "library_name"]

_RESERVED = frozenset(
    "alignas alignof and_eq asm auto bitand bitor bool break case catch char compl const constexpr continue decltype "
    "default delete do double else enum explicit export extern false float for friend goto if inline int long mutable "
    "namespace new noexcept not_eq nullptr operator or_eq private protected public register restrict return short "
    "signed sizeof static struct switch template this throw true try typedef typeid typename union unsigned using "
    "virtual void volatile wchar_t while xor xor_eq workspace workspace_size".split()
) | frozenset(keyword.kwlist)
"""Words of C, C++ and Python, and the parameters that every function has."""

_OF_C = re.compile(
    r"\w+_t|(U?INT\w*|[US]?CHAR|U?SHRT|U?L?LONG|SIZE|PTRDIFF|WCHAR|SIG_ATOMIC|WINT)_(MAX|MIN|C|BIT|WIDTH)"
    r"|(FLT|L?DBL)_([A-Z0-9]+_)*[A-Z]+|ATOMIC_\w+_LOCK_FREE|(FE|FP|LC|MATH|SEEK|SIG)_[A-Z]+|(E|SIG)[0-9A-Z]+"
    r"|(PRI|SCN)[diouxX](LEAST|FAST|MAX|PTR)?\d*"
)
"""What C's headers define, or may define."""

_MACROS = frozenset(
    "ATOMIC_FLAG_INIT BUFSIZ CLOCKS_PER_SEC DECIMAL_DIG EXIT_FAILURE EXIT_SUCCESS FE_ALL_EXCEPT FE_DFL_ENV "
    "FILENAME_MAX FOPEN_MAX FP_ILOGB0 HUGE_VAL HUGE_VALF HUGE_VALL I INFINITY L_tmpnam MB_CUR_MAX MB_LEN_MAX NAN NULL "
    "ONCE_FLAG_INIT RAND_MAX TIME_UTC TMP_MAX TSS_DTOR_ITERATIONS WEOF assert complex errno imaginary linux "
    "math_errhandling noreturn static_assert stderr stdin stdout thread_local typeof unix".split()
)
"""Macros of C's headers and dialects besides."""

_OF_PYTHON = frozenset({*dir(builtins), *keyword.kwlist, *dir(loader)})
"""Words that mean something in a loader, and would no longer if they were functions there."""

_MODULES = frozenset({*sys.stdlib_module_names, *keyword.kwlist, "catgrad", "numpy"})
"""Modules that a library beside a program would hide from it."""

_HEADERS = frozenset(
    "aio aliases alloca ar argp argz assert byteswap complex cpio cpuid ctype cxxabi dirent dlfcn elf endian envz err "
    "errno error execinfo fcntl features fenv float fmtmsg fnmatch fpu_control fstab fts ftw gconv getopt glob grp "
    "gshadow iconv ieee754 ifaddrs inttypes iso646 langinfo lastlog libgen libintl limits link locale malloc math "
    "mcheck memory mm_malloc mntent monetary mqueue ndbm netdb nl_types nss obstack omp paths poll printf "
    "proc_service pthread pty pwd re_comp regex regexp resolv sched search semaphore setjmp sgtty shadow signal spawn "
    "stab stdalign stdarg stdatomic stdbit stdbool stdckdint stddef stdint stdio stdio_ext stdlib stdnoreturn string "
    "strings stropts syscall sysexits syslimits syslog tar termio termios tgmath thread_db threads time trace ttyent "
    "uchar ucontext ulimit unistd unwind utime utmp utmpx values varargs wait wchar wctype wordexp".split()
)
"""The headers of C, POSIX, glibc and compilers: one that looks into the folder would take that of the library."""

_LIBRARIES = frozenset("anl asan atomic c dl gcc gcc_s m pthread resolv rt tsan ubsan util".split())
"""What linkers call C's own libraries."""

_LONGEST = 128
"""How many letters a name may have: those of files are a little longer."""

OWN = frozenset({"build", "check", "status", "status_text"})
"""What a library has besides its functions."""


def check_names(library: str, functions: Collection[str]) -> None:
    """Check what a library and its functions are called.

    Raises:
        CatgradError: A name is no identifier, or is called like something else; or there is no function.
    """
    problem = _problem(library)
    if problem:
        raise CatgradError(f"{problem}: call it something else, with name= or --name")
    if not functions:
        raise CatgradError(f"the library {library} would have no function: give it one")
    for each in functions:
        if not _is_name(each):
            raise CatgradError(_unfit(each))
    taken = {*OWN, *_OF_PYTHON, *(f"{each}_workspace" for each in functions)}.intersection(functions)
    if taken:
        raise CatgradError(f"a library has a {', '.join(sorted(taken))} of its own: call the function something else")


def library_name(text: str) -> str:
    """Return what to call a library after something else.

    Example:
        >>> library_name("my-Model")
        'my_model'
    """
    return re.sub(r"\W", "_", text).lower()


def _problem(library: str) -> str | None:
    """Return why a library cannot be called so, if it cannot."""
    if not _is_name(library):
        return _unfit(library)
    if library != library.lower():
        return f"a library is called in small letters, its constants in capitals: {library.lower()}, not {library}"
    owners = {"Python's modules": _MODULES, "C's headers": _HEADERS, "C's libraries": _LIBRARIES}
    hidden = next((owner for owner, names in owners.items() if library in names), None)
    return f"a library called {library} would hide one of {hidden}" if hidden else None


def _unfit(text: str) -> str:
    expected = f"at most {_LONGEST} letters, digits and _, beginning with a letter"
    return f"{reprlib.repr(text)} cannot be a name in C: use {expected}"


def _is_name(text: str) -> bool:
    return isinstance(text, str) and _is_identifier(text) and len(text) <= _LONGEST


def _is_identifier(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", text) is not None


class Scope:
    """Identifiers that differ.

    Args:
        taken: Those that are not free.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*taken, *_RESERVED, *_MACROS}

    def name(self, key: Hashable) -> str:
        """Return an identifier like `key`, and take it."""
        text = re.sub(r"\W", "_", f"item{key}" if isinstance(key, int) else str(key), flags=re.ASCII)
        text = text if _is_identifier(text) else f"x{text}"
        numbered = (f"{text}_{n}" for n in count(2))
        name = next(name for name in chain([text], numbered) if name not in self._taken and not _OF_C.fullmatch(name))
        self._taken.add(name)
        return name
