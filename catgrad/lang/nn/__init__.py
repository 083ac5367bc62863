"""Layers, activations and losses, all written in the core operations."""

from catgrad.lang.functions import gelu as gelu
from catgrad.lang.functions import log_softmax as log_softmax
from catgrad.lang.functions import relu as relu
from catgrad.lang.functions import silu as silu
from catgrad.lang.functions import softmax as softmax
from catgrad.lang.functions import softplus as softplus
from catgrad.lang.nn import init as init
from catgrad.lang.nn.linear import Linear as Linear
from catgrad.lang.nn.losses import mse as mse
from catgrad.lang.nn.losses import softmax_cross_entropy as softmax_cross_entropy
from catgrad.ops import sigmoid as sigmoid
from catgrad.ops import tanh as tanh
