"""Differentiation: the derivative table, the optic functor over it, and learners."""

from catgrad.autodiff.learner import Learner as Learner
from catgrad.autodiff.learner import learner as learner
from catgrad.autodiff.rules import DERIVATIVES as DERIVATIVES
from catgrad.autodiff.transforms import grad as grad
from catgrad.autodiff.transforms import value_and_grad as value_and_grad
from catgrad.autodiff.transforms import vjp as vjp
