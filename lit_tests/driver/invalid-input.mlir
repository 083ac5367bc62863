// Input that is not a module ends in a message with its place.

// Columns count bytes, but the caret stands under the character.
// RUN: not %catgrad-opt %s 2>&1 | %filecheck %s --check-prefix=MALFORMED --strict-whitespace
// MALFORMED:     invalid-input.mlir:31:37: error: custom op 'undefined' is unknown
// MALFORMED:{{^}}  "func.return"() {"é"} : () -> () undefined
// MALFORMED:{{^}}                                   ^

// RUN: not %catgrad-opt %S/Inputs/none.mlir 2>&1 | %filecheck %s --check-prefix=NO-FILE
// NO-FILE: catgrad-opt: error: cannot read '{{.*}}/Inputs/none.mlir': No such file or directory

// RUN: not %catgrad-opt %S 2>&1 | %filecheck %s --check-prefix=FOLDER
// FOLDER: catgrad-opt: error: cannot read '{{.*}}driver': Is a directory

// RUN: not %catgrad-opt %S/Inputs/empty.mlir 2>&1 | %filecheck %s --check-prefix=EMPTY
// EMPTY: empty.mlir: error: the input is empty

// RUN: not %catgrad-opt %S/Inputs/latin1.mlir 2>&1 | %filecheck %s --check-prefix=BINARY
// BINARY: latin1.mlir:2:7: error: the input is neither UTF-8 text nor MLIR bytecode

// RUN: not %catgrad-opt %S/Inputs/nonsense.mlirbc 2>&1 | %filecheck %s --check-prefix=BYTECODE
// BYTECODE: nonsense.mlirbc: error: bytecode version

// RUN: not %catgrad-opt %S/Inputs/type-error.mlir 2>&1 | %filecheck %s --check-prefix=TYPE
// TYPE:      type-error.mlir:3:3: error: type of return operand 0 ('i32') doesn't match function result type ('f32')
// TYPE-NEXT:   return %a : i32
// TYPE-NEXT:   ^
// TYPE-NEXT: type-error.mlir:3:3: note: see current operation: "func.return"

func.func @f() {
  "func.return"() {"é"} : () -> () undefined
}
