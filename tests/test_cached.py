"""Cached properties: computed once, and by no thread for another."""

import threading

from catgrad.cached import cached_property


class Square:
    def __init__(self, side, during=lambda: None):
        self.side, self.during, self.computed = side, during, 0

    @cached_property
    def area(self):
        """The area."""
        self.computed += 1
        self.during()
        return self.side**2


def test_it_is_computed_once_for_each_object():
    small, large = Square(2), Square(3)
    assert (small.area, small.area, large.area) == (4, 4, 9)
    assert (small.computed, large.computed) == (1, 1)
    assert Square.area.__doc__ == "The area."


def test_no_thread_waits_for_another_that_computes():
    other = Square(3)

    def elsewhere():
        thread = threading.Thread(target=lambda: other.area, daemon=True)
        thread.start()
        thread.join(20)

    assert Square(2, during=elsewhere).area == 4
    assert vars(other)["area"] == 9


def test_who_asks_meanwhile_gets_the_same_value():
    first = Square([1], during=lambda: None)
    first.side = type("Side", (), {"__pow__": lambda self, n: object()})()
    inner = []
    first.during = lambda: inner.append(first.area) if first.computed == 1 else None
    assert first.area is inner[0]
