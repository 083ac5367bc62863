"""first_step: what `catgrad train digits` does until its first step is done; writes the loss."""

import sys

from catgrad.cli.data import load
from catgrad.cli.tasks import TASKS
from catgrad.cli.training import Trainer

settings = TASKS["digits"].settings()
trainer = Trainer(settings, load("digits", settings.seed, None))
rows = slice(0, settings.batch)
batch = trainer.data.train[rows]
_, loss = trainer.step.executable(settings.learner.init(settings.seed), batch.x, batch.y)
sys.stdout.buffer.write(loss.tobytes())
