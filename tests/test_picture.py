"""Diagrams of terms: names at the ends, forks for copies, derivatives folded into their passes."""

from collections import Counter
from graphlib import TopologicalSorter

import pytest

import catgrad as cg
from catgrad.picture import FORWARD, REVERSE, UPDATE, picture

X, W = cg.f32[3, 4], cg.f32[4, 2]


def boxes(term):
    return picture(term).hypergraph.edges.tolist()


def has_an_order(drawn):
    """Whether no box leads to itself."""
    sources, targets = drawn.hypergraph.sources.lists(), drawn.hypergraph.targets.lists()
    makers = {value: i for i, made in enumerate(targets) for value in made}
    needs = {i: {makers[value] for value in used if value in makers} for i, used in enumerate(sources)}
    return set(TopologicalSorter(needs).static_order()) == set(needs)


def f(x, w):
    return cg.sum(cg.tanh(x @ w))


class Deep(cg.Module):
    def __init__(self, layers):
        self.layers = [cg.nn.Linear(4, 4) for _ in range(layers)]

    def forward(self, x):
        for layer in self.layers:
            x = cg.tanh(layer(x))
        return x


@pytest.fixture(scope="module")
def step():
    """A training step of two layers, whose activation is no definition."""
    learner = cg.learner(Deep(2), loss=cg.nn.mse, optimizer=cg.optim.adam(0.1))
    return cg.trace(learner.step, cg.f32[5, 4], cg.f32[5, 4])


def test_a_term_is_drawn_as_it_is_but_for_copies():
    term = cg.trace(lambda x: (x * x, cg.exp(x)), X)
    assert [tuple(box) for box in boxes(term)] == [("multiply", None), ("exp", None)]
    drawn = picture(term)
    assert drawn.hypergraph.sources.lists() == [[0, 0], [0]]
    assert (drawn.source_type.tolist(), drawn.target_type.tolist()) == ([X], [X, X])


@pytest.mark.parametrize("g", [lambda x: (x, x), lambda x: None, lambda x: cg.zeros((0, 3))])
def test_wires_without_boxes(g):
    term = cg.trace(g, X)
    drawn = picture(term)
    assert drawn.source_type.tolist() == [X]
    assert tuple(drawn.target_type.tolist()) == term.target_types


def test_the_passes_of_a_derivative_are_a_box_each():
    forward, reverse = sorted(boxes(cg.trace(cg.value_and_grad(f, wrt=1), X, W)))
    assert forward == ("forward: 3 operations\ncontract, tanh, sum", FORWARD)
    assert reverse.role == REVERSE
    assert "contract" in reverse.text


def test_a_step_is_folded_and_its_passes_are_told_apart(step):
    drawn = picture(step)
    roles = {FORWARD: "Linear.fwd", REVERSE: "Linear.rev", UPDATE: "rule"}
    found = drawn.hypergraph.edges.tolist()
    assert len(found) < 20 < len(step.definitions[0].term.steps) + sum(len(d.term.steps) for d in step.definitions)
    for role, name in roles.items():
        assert {box.role for box in found if box.text == f"call {name}"} == {role}
    assert Counter(box.text for box in found)["call Linear.fwd"] == 2
    assert has_an_order(drawn)
    assert tuple(drawn.source_type.tolist()) == step.source_types
    assert tuple(drawn.target_type.tolist()) == step.target_types


def test_the_gradient_alone_has_passes_too():
    learner = Deep(3)
    term = cg.trace(
        cg.grad(lambda p, x: cg.sum(learner.apply(p, x))), {k: p.type for k, p in learner.parameters().items()}, X
    )
    found = {box.text: box.role for box in boxes(term)}
    assert (found["call Linear.fwd"], found["call Linear.rev"]) == (FORWARD, REVERSE)


def test_the_diagram_has_names_and_colors(step):
    dot = step.to_dot()
    for name in ("inputs", "targets", "state['parameters']['layers.0.bias']", "out[0]['optimizer']['step']", "out[1]"):
        assert f'label="{name}"' in dot
    boxes = [line for line in dot.splitlines() if "fillcolor" in line and line.strip().startswith("e")]
    assert (
        len({line.partition("fillcolor=")[2] for line in boxes if " [label=" in line and "arrowsize" not in line}) == 3
    )
    assert dot == step.to_dot()
