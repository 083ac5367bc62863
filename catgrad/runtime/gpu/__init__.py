"""Running kernels: devices, arrays that live on them, and executables whose arrays do."""
