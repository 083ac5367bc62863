"""predict FOLDER: through the loader that catgrad writes, which needs numpy."""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np

folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
net = import_module("net")
parameters = {path.stem: np.load(path) for path in folder.glob("*.npy")}
x = np.fromfile(folder / "x.bin", "f4").reshape(1, 784)
sys.stdout.buffer.write(net.predict(parameters, x).tobytes())
