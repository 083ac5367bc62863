"""A classifier of handwritten digits: the training step is one native function that updates its state in place."""

from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import catgrad as cg
from catgrad import nn, optim

B = cg.dim("B")


class Mlp(cg.Module):
    """Classifies flattened images: f32[B, inputs] -> f32[B, classes] (logits)."""

    def __init__(self, inputs: int, hidden: int, classes: int) -> None:
        self.hidden = nn.Linear(inputs, hidden)
        self.out = nn.Linear(hidden, classes)

    def forward(self, x: Any) -> Any:
        """Return logits."""
        return self.out(cg.relu(self.hidden(x)))


def main() -> None:
    """Train on three quarters of the images, and count what is right on the others."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    x, y = (images[order] / 16).astype(np.float32), labels[order].astype(np.int32)
    learner = cg.learner(Mlp(64, 64, 10), loss=nn.softmax_cross_entropy, optimizer=optim.adam(4e-3))
    step = cg.compile(learner.step, cg.f32[B, 64], cg.i32[B], bind={"B": 48})
    predict = cg.compile(learner.predict, cg.f32[B, 64])
    state = learner.init(seed=0)
    for _ in range(60):
        for at in range(0, 1344, 48):
            state, _ = step(state, x[at : at + 48], y[at : at + 48])
    right = predict(state["parameters"], x[1344:]).argmax(axis=1) == y[1344:]
    print(f"{right.mean():.1%} of {len(right)} held-back images")


if __name__ == "__main__":
    main()
