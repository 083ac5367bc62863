"""Measures catgrad next to the libraries one would otherwise use, in the same run and on the same core.

A benchmark compares; a time alone says as much about the machine and the minute as about the code. So what counts here
is the *ratio of two times measured alternately*:

* **One process a competitor.** Libraries bring thread pools, allocators and vector-math dispatch that disturb each
  other in one process; and peak memory is only meaningful for a process that runs one thing.
* **The same core.** With one thread all processes are pinned to one core and take turns on it; with N threads to the
  same N cores. A process whose turn it is not is stopped (SIGSTOP), so that a pool which spins while it waits for work
  cannot take the core from the one being timed.
* **Interleaved blocks.** A block is as many calls as fill some milliseconds. The coordinator asks every competitor for
  one block, then every competitor for the next, and so on: a slow minute of the machine slows all of them alike. The
  figure is the median over the blocks, its spread the 10th and 90th percentile.
* **The same answer.** Before anything is timed, each result is compared with a reference in double precision.
* **The machine is a competitor too.** A loop of fused multiply-adds and a copy of the case's bytes run in the same
  rounds, so "share of the peak" compares with what this machine could do just then (`bench.roofline`).

The parts: `case` (what is measured), `libraries` (how a competitor is opened, fed and waited for), `competitor`
(one entry, checked and timed) in its `worker` (a process), `coordinator` (whose turn it is), `results`, `report` and
`plot` (what comes out), `cases/` (one file for each family).
"""
