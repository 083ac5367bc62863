// The forms in which the result is printed.

// RUN: %catgrad-opt %s --mlir-print-op-generic | %filecheck %s --check-prefix=GENERIC
// GENERIC: "func.func"() <{function_type = () -> tensor<4xi32>, sym_name = "f"}>

// RUN: %catgrad-opt %s --mlir-print-debuginfo | %filecheck %s --check-prefix=LOCATIONS
// LOCATIONS:     } loc(#[[F:.*]])
// LOCATIONS-DAG: #[[F]] = loc("{{.*}}printing.mlir":24:1)
// LOCATIONS-DAG: loc("{{.*}}printing.mlir":25:8)

// RUN: %catgrad-opt %s | %catgrad-opt --mlir-print-debuginfo --mlir-print-local-scope | %filecheck %s --check-prefix=STDIN
// STDIN: return %cst : tensor<4xi32> loc("<stdin>":4:5)

// RUN: %catgrad-opt %s --mlir-elide-elementsattrs-if-larger=3 | %filecheck %s --check-prefix=ELIDED
// ELIDED: dense_resource<__elided__>

// RUN: %catgrad-opt %s --mlir-elide-elementsattrs-if-larger=4 | %filecheck %s --check-prefix=WHOLE
// WHOLE: dense<[1, 2, 3, 4]>

// RUN: %catgrad-opt %s --emit-bytecode -o %t.mlirbc
// RUN: %catgrad-opt %t.mlirbc --mlir-print-debuginfo | %filecheck %s --check-prefix=LOCATIONS
// RUN: %catgrad-opt %s --emit-bytecode | %catgrad-opt | %filecheck %s --check-prefix=WHOLE

func.func @f() -> tensor<4xi32> {
  %0 = arith.constant dense<[1, 2, 3, 4]> : tensor<4xi32>
  return %0 : tensor<4xi32>
}
