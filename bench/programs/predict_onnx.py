"""predict FOLDER: onnxruntime."""

import sys
from pathlib import Path

import numpy as np
import onnxruntime

folder = Path(sys.argv[1])
session = onnxruntime.InferenceSession(folder / "net.onnx", providers=["CPUExecutionProvider"])
x = np.fromfile(folder / "x.bin", "f4").reshape(1, 784)
sys.stdout.buffer.write(session.run(["scores"], {"x": x})[0].tobytes())
