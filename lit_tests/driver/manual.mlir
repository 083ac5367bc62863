// What the driver says about itself.

// RUN: %catgrad-opt --help --load-pass-plugin=%S/Inputs/passes.py | %filecheck %s --check-prefix=HELP
// HELP: usage: catgrad-opt
// HELP: --pass-pipeline='builtin.module(
// HELP: -o, --output=FILE {{ *}}write the result
// HELP: --split-input-file[=MARKER]
// HELP: passes of catgrad:
// HELP:   --test-count {{ *}}Count the operations of a module.
// HELP:     start=<int> {{ *}}Where to start counting. (default: 0)
// HELP:     sizes=<int,...> {{ *}}(default: 1,2)
// HELP:     side=<left|right>
// HELP:   --test-reject
// HELP:     operation=<string>
// HELP: pipelines of catgrad:
// HELP:   --test-pipeline {{ *}}Simplify, count, simplify.
// HELP:     start=<int> {{ *}}Where to start counting. (default: 100)

// RUN: %catgrad-opt --list-passes --load-pass-plugin=%S/Inputs/passes.py | %filecheck %s --check-prefix=PASSES
// PASSES: --test-count
// PASSES: --canonicalize

// RUN: %catgrad-opt --show-dialects | %filecheck %s --check-prefix=DIALECTS
// DIALECTS: Available Dialects: catgrad,{{.*}},linalg,

// RUN: %catgrad-opt --version | %filecheck %s --check-prefix=VERSION
// VERSION: catgrad {{[0-9]+\.[0-9]+}}
// VERSION: LLVM version {{[0-9]+}}
