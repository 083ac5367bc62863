"""Cost report of a program's kernels, made without running them on a GPU: launch by launch, from what was compiled.

* `launches` is the program as a list of launches, with the work of each; `machine_code` is what the assembler made of
  the kernels; `traffic` is what the threads request of memory, counted on the emulator.
* `occupancy` and `gpus` are NVIDIA's rules and the peaks of GPUs that have a name; `report` puts it all together, and
  `rendering` shows it to people and to programs.
"""

from catgrad.gpu_report.gpus import GPUS as GPUS
from catgrad.gpu_report.gpus import Gpu as Gpu
from catgrad.gpu_report.gpus import find_gpu as find_gpu
from catgrad.gpu_report.report import Report as Report
from catgrad.gpu_report.report import report as report
