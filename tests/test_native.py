"""Critical sections: what Ctrl-C and fork find in the middle of compiling, at places that are the same every time."""

import signal
import subprocess
import sys
import threading
from textwrap import dedent

import pytest

from catgrad.native import checkpoint, critical, deferred_signals


def run(program):
    """Run a program in a process of its own; return what it printed."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", dedent(program)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_an_exception_of_a_handler_waits_and_stays_what_it_is():
    done = []

    @deferred_signals()
    def section():
        with deferred_signals():
            signal.raise_signal(signal.SIGINT)
            done.append("inner")
        done.append("outer")

    with pytest.raises(KeyboardInterrupt):
        section()
    assert done == ["inner", "outer"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_checkpoint_lets_it_through():
    @critical()
    def section():
        checkpoint()
        signal.raise_signal(signal.SIGINT)
        checkpoint()
        pytest.fail("the signal came later")

    with pytest.raises(KeyboardInterrupt):
        section()


def test_every_handler_is_called_once_with_its_signal():
    came = []
    kept = {n: signal.signal(n, lambda number, frame: came.append(number)) for n in (signal.SIGUSR1, signal.SIGTERM)}
    try:
        with critical():
            for number in kept:
                signal.raise_signal(number)
            assert came == []
        assert sorted(came) == sorted(kept)
        signal.raise_signal(signal.SIGUSR1)
        assert len(came) == 3
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def test_one_handler_that_raises_stops_no_other():
    came = []
    kept = signal.signal(signal.SIGUSR1, lambda number, frame: came.append(number))

    @deferred_signals()
    def section():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGUSR1)

    try:
        with pytest.raises(KeyboardInterrupt):
            section()
        assert came == [signal.SIGUSR1]
    finally:
        signal.signal(signal.SIGUSR1, kept)


def test_an_error_in_a_section_is_not_lost():
    @critical()
    def section():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("the error")

    with pytest.raises(KeyboardInterrupt) as caught:
        section()
    assert isinstance(caught.value.__context__, ValueError)


def test_other_threads_are_left_alone():
    found = []

    def other():
        with critical():
            found.append(signal.getsignal(signal.SIGINT))
            checkpoint()

    with deferred_signals():
        pass
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


INTERRUPTED = """
    import os, signal, sys
    os.environ["CATGRAD_CACHE_DIR"] = ""
    import numpy as np, catgrad as cg
    {before}
    calls, interrupts = 0, 0
    def count(frame, event, argument):
        global calls
        if event == "call" and {where}:
            calls += 1
            if calls % {every} == 0:
                signal.raise_signal(signal.SIGINT)
    f = lambda x: cg.softmax(cg.tanh(x @ x))
    exe = None
    sys.setprofile(count)
    while exe is None:
        try:
            exe = cg.compile(f, cg.f32[3, 3])
        except KeyboardInterrupt:
            interrupts += 1
            {after}
    sys.setprofile(None)
    print(interrupts, exe(np.zeros((3, 3), np.float32))[0, 0] == np.float32(1 / 3))
"""


def test_importing_mlir_can_be_interrupted_anywhere_and_be_done_again():
    """Ctrl-C comes in the body of every module, MLIR's and ours; it ends an attempt when a section ends."""
    where = 'frame.f_code.co_name == "<module>"'
    interrupts, is_right = run(INTERRUPTED.format(before="pass", where=where, every=1, after="pass"))
    assert 0 < int(interrupts) < 6  # few sections import
    assert is_right == "True"


def test_compiling_can_be_interrupted_anywhere_and_be_done_again():
    """Ctrl-C comes in every 997th call of a function, whatever calls it: Python, or C++ that calls back."""
    before, where = "import catgrad.backend", '"contextlib" not in frame.f_code.co_filename'
    after = "sys.setprofile(count if interrupts < 12 else None)"
    interrupts, is_right = run(INTERRUPTED.format(before=before, where=where, every=997, after=after))
    assert int(interrupts) == 12
    assert is_right == "True"


def test_a_fork_waits_until_no_other_thread_compiles():
    """A thread is held inside a compilation, at a point from which it goes on by itself after the fork has begun."""
    out = run("""
        import os, threading
        os.environ["CATGRAD_CACHE_DIR"] = ""
        import numpy as np, catgrad as cg
        from catgrad import backend, native
        inside, left = threading.Event(), []
        plain = backend.build
        def held(*arguments):
            inside.set()
            threading.Event().wait(0.3)
            code = plain(*arguments)
            left.append(True)
            return code
        backend.build = held
        f = lambda x: x + 1
        thread = threading.Thread(target=lambda: cg.compile(f, cg.f32[3]))
        thread.start()
        inside.wait()
        pid = os.fork()
        backend.build = plain
        exe = cg.compile(f, cg.f32[3])
        right = left == [True] and exe(np.zeros(3, np.float32)).tolist() == [1, 1, 1]
        if pid == 0:
            os._exit(0 if right else 1)
        thread.join()
        print(right, os.waitpid(pid, 0)[1])
    """)
    assert out == ["True", "0"]


def test_a_fork_inside_of_a_section_is_its_own():
    out = run("""
        import os
        from catgrad.native import critical
        with critical():
            pid = os.fork()
            with critical():
                pass
        if pid == 0:
            os._exit(0)
        print(os.waitpid(pid, 0)[1])
    """)
    assert out == ["0"]


def test_a_fork_waits_until_no_other_thread_imports():
    """A thread is held in the body of a module that is imported when something is first compiled."""
    out = run("""
        import os, signal, sys, threading
        os.environ["CATGRAD_CACHE_DIR"] = ""
        import numpy as np, catgrad as cg
        inside = threading.Event()
        def hold(frame, event, argument):
            if event == "call" and frame.f_globals.get("__name__") == "catgrad.prepare":
                sys.setprofile(None)
                inside.set()
                threading.Event().wait(0.3)
        def other():
            sys.setprofile(hold)
            cg.compile(lambda x: x + 1, cg.f32[3])
        thread = threading.Thread(target=other)
        thread.start()
        inside.wait()
        pid = os.fork()
        if pid == 0:
            signal.alarm(20)
            right = cg.compile(lambda x: x + 1, cg.f32[3])(np.zeros(3, np.float32)).tolist() == [1, 1, 1]
            os._exit(0 if right else 1)
        thread.join()
        print(os.waitpid(pid, 0)[1])
    """)
    assert out == ["0"]


WAITING = """
    import os, signal, sys, threading
    from catgrad import native
    import logging  # which has hooks as well, that run after ours
    inside, begun, came = threading.Event(), threading.Event(), []
    os.register_at_fork(before=begun.set)
    {handlers}
    def hold():
        with native.critical():
            inside.set()
            begun.wait()
            while native._current is None:
                pass
            for number in {signals}:
                signal.pthread_kill(threading.main_thread().ident, number)
            threading.Event().wait(0.2)
    before = [signal.getsignal(number) for number in native._SIGNALS]
    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait()
    parent, interrupts = os.getpid(), 0
    try:
        os.fork()
        again = 0
    except KeyboardInterrupt:
        interrupts += 1
    if os.getpid() != parent:
        signal.alarm(20)
        with native.critical():
            os._exit(interrupts + len(came))
    thread.join()
    with native.critical():
        pass
    print(interrupts, *came, os.wait()[1], before == [signal.getsignal(number) for number in native._SIGNALS])
"""


def test_a_signal_while_a_fork_waits_is_handled_after_it_in_the_parent_alone():
    out = run(WAITING.format(handlers="", signals="[signal.SIGINT]"))
    assert out == ["1", "0", "True"]


def test_all_signals_while_a_fork_waits_are_handled():
    handlers = 'signal.signal(signal.SIGUSR1, lambda number, frame: came.append("handled"))'
    out = run(WAITING.format(handlers=handlers, signals="[signal.SIGUSR1, signal.SIGINT]"))
    assert out == ["1", "handled", "0", "True"]


def test_a_fork_leaves_handlers_as_they_were():
    out = run("""
        import os, signal
        from catgrad import native
        pid = os.fork()
        right = signal.getsignal(signal.SIGINT) is signal.default_int_handler and native._current is None
        if pid == 0:
            os._exit(0 if right else 1)
        print(right, os.waitpid(pid, 0)[1])
    """)
    assert out == ["True", "0"]


def test_importing_catgrad_can_be_interrupted_anywhere_and_be_done_again():
    """Ctrl-C comes in the body of every twentieth module, NumPy's and ours."""
    out = run("""
        import importlib, contextlib, dataclasses, functools, signal, sys, threading, typing
        calls, interrupts, cg = 0, 0, None
        def count(frame, event, argument):
            global calls
            if event == "call" and frame.f_code.co_name == "<module>" and "catgrad.native" in sys.modules:
                calls += 1
                if calls % 20 == 5:
                    signal.raise_signal(signal.SIGINT)
        sys.setprofile(count)
        while cg is None:
            try:
                import catgrad as cg
            except KeyboardInterrupt:
                interrupts += 1
        sys.setprofile(None)
        import numpy as np
        print(interrupts, cg.types.f32 is cg.f32, *cg.grad(lambda x: cg.sum(x * x))(np.ones(2, np.float32)))
    """)
    assert out == ["1", "True", "2.0", "2.0"]
