"""Rewriting terms into equal terms that are cheaper to run."""

from catgrad.rewrite.inline import inline as inline
from catgrad.rewrite.inline import inline_single as inline_single
from catgrad.rewrite.inline import inline_small as inline_small
from catgrad.rewrite.outline import outline as outline
from catgrad.rewrite.simplify import simplify as simplify
