"""predict FOLDER: a saved executable."""

import sys
from pathlib import Path

import numpy as np

import catgrad as cg

folder = Path(sys.argv[1])
predict = cg.load(folder / "net.catgrad")
parameters = {path.stem: np.load(path) for path in folder.glob("*.npy")}
x = np.fromfile(folder / "x.bin", "f4").reshape(1, 784)
sys.stdout.buffer.write(predict(parameters, x).tobytes())
