// Arguments that do not exist or do not fit each end in one message.

// RUN: not %catgrad-opt %s --no-such-pass 2>&1 | %filecheck %s --check-prefix=PASS
// PASS: catgrad-opt: error: pass 'no-such-pass': 'no-such-pass' does not refer to a registered pass or pass pipeline

// RUN: not %catgrad-opt %s --cse=no-such-option=1 2>&1 | %filecheck %s --check-prefix=OPTION
// OPTION: catgrad-opt: error: pass 'cse': no such option no-such-option

// RUN: not %catgrad-opt %s --canonicalize=max-iterations=many 2>&1 | %filecheck %s --check-prefix=VALUE
// VALUE: catgrad-opt: error: pass 'canonicalize': failed to add `canonicalize` with options `max-iterations=many`

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-count=size=1 2>&1 | %filecheck %s --check-prefix=OUR-OPTION
// OUR-OPTION: catgrad-opt: error: pass 'test-count': unknown option 'size': expected one of start, label,

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-count=start=many 2>&1 | %filecheck %s --check-prefix=OUR-VALUE
// OUR-VALUE: catgrad-opt: error: pass 'test-count': option 'start' expects int, not 'many'

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-count="start=1 start=2" 2>&1 | %filecheck %s --check-prefix=TWICE
// TWICE: catgrad-opt: error: pass 'test-count': option 'start' is given twice

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-count="=1" 2>&1 | %filecheck %s --check-prefix=SYNTAX
// SYNTAX: catgrad-opt: error: pass 'test-count': expected 'name=value' at '=1'

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-reject 2>&1 | %filecheck %s --check-prefix=MISSING
// MISSING: catgrad-opt: error: pass 'test-reject': option 'operation' must be given

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-pipeline=end=1 2>&1 | %filecheck %s --check-prefix=PIPELINE-OPTION
// PIPELINE-OPTION: catgrad-opt: error: pipeline 'test-pipeline': unknown option 'end': expected one of start

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --test-pipeline=start=-1 2>&1 | %filecheck %s --check-prefix=PIPELINE-REFUSES
// PIPELINE-REFUSES: catgrad-opt: error: pipeline 'test-pipeline': counting starts at 0

// RUN: not %catgrad-opt %s --pass-pipeline='builtin.module(cse' 2>&1 | %filecheck %s --check-prefix=UNCLOSED
// UNCLOSED:      catgrad-opt: error: expected ',' or ')'
// UNCLOSED-NEXT:   builtin.module(cse
// UNCLOSED-NEXT:                     ^

// RUN: not %catgrad-opt %s --pass-pipeline='cse' 2>&1 | %filecheck %s --check-prefix=ROOT
// ROOT: catgrad-opt: error: expected a pipeline of the form 'builtin.module(...)'

// RUN: not %catgrad-opt %s --pass-pipeline='builtin.module(func.func(gpu-kernel-outlining))' 2>&1 | %filecheck %s --check-prefix=NESTING
// NESTING: catgrad-opt: error: pass 'gpu-kernel-outlining': Can't add pass {{.*}} restricted to 'builtin.module'

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py --pass-pipeline='builtin.module(func.func(test-count))' 2>&1 | %filecheck %s --check-prefix=OUR-NESTING
// OUR-NESTING: catgrad-opt: error: 'test-count' runs on 'builtin.module': it cannot be nested in 'func.func'

// RUN: not %catgrad-opt %s --cse --pass-pipeline='builtin.module(cse)' 2>&1 | %filecheck %s --check-prefix=BOTH
// BOTH: catgrad-opt: error: --pass-pipeline and --cse exclude each other

// RUN: not %catgrad-opt %s --emit-bytecode --split-input-file 2>&1 | %filecheck %s --check-prefix=BYTECODE
// BYTECODE: catgrad-opt: error: --emit-bytecode and --split-input-file exclude each other

// RUN: not %catgrad-opt %s %s 2>&1 | %filecheck %s --check-prefix=INPUTS
// INPUTS: catgrad-opt: error: one input is expected, not 2

// RUN: not %catgrad-opt %s -o 2>&1 | %filecheck %s --check-prefix=NO-VALUE
// NO-VALUE: catgrad-opt: error: --output needs a value: --output=FILE

// RUN: not %catgrad-opt %s --mlir-elide-elementsattrs-if-larger=few 2>&1 | %filecheck %s --check-prefix=FLAG
// FLAG: catgrad-opt: error: option 'mlir-elide-elementsattrs-if-larger' expects int, not 'few'

// RUN: not %catgrad-opt %s -o %S/nowhere/out.mlir 2>&1 | %filecheck %s --check-prefix=OUTPUT
// OUTPUT: catgrad-opt: error: cannot write '{{.*}}/nowhere/out.mlir': No such file or directory

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/nowhere.py 2>&1 | %filecheck %s --check-prefix=PLUGIN
// PLUGIN: catgrad-opt: error: cannot load the plugin '{{.*}}/nowhere.py': FileNotFoundError

// RUN: not %catgrad-opt %s --load-pass-plugin=%S/Inputs/passes.py,%S/Inputs/passes.py 2>&1 | %filecheck %s --check-prefix=TAKEN
// TAKEN: catgrad-opt: error: cannot load the plugin '{{.*}}': RegistryError: the name test-count is registered already

func.func @f() { return }
