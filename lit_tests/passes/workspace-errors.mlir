// RUN: %catgrad-opt %s --catgrad-workspace --split-input-file --verify-diagnostics

func.func @data(%x: memref<1xindex>) {
  %c0 = arith.constant 0 : index
  // expected-error @below {{the size of a buffer depends on memref.load}}
  %n = memref.load %x[%c0] : memref<1xindex>
  %a = memref.alloc(%n) : memref<?xf32>
  memref.dealloc %a : memref<?xf32>
  return
}

// -----

func.func private @use(memref<?xf32>)
func.func @growing(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error @below {{the size of a buffer depends on a loop}}
  scf.for %i = %c0 to %n step %c1 {
    %a = memref.alloc(%i) : memref<?xf32>
    func.call @use(%a) : (memref<?xf32>) -> ()
    memref.dealloc %a : memref<?xf32>
  }
  return
}

// -----

// expected-error @below {{@f calls itself: it has no workspace}}
func.func private @f() {
  call @f() : () -> ()
  return
}

// -----

func.func @elements() {
  // expected-error @below {{a workspace holds numbers, not the elements of memref<4xindex>}}
  %a = memref.alloc() : memref<4xindex>
  memref.dealloc %a : memref<4xindex>
  return
}

// -----

// expected-error @below {{a function of several blocks has no workspace}}
func.func @branches(%c: i1) {
  cf.cond_br %c, ^bb1, ^bb2
^bb1:
  return
^bb2:
  return
}

// -----

func.func @address(%x: memref<4xf32>) -> index {
  %a = memref.alloc() : memref<4xf32>
  // expected-error @below {{the address of a buffer leaves it by memref.extract_aligned_pointer_as_index}}
  %p = memref.extract_aligned_pointer_as_index %a : memref<4xf32> -> index
  return %p : index
}

// -----

func.func @growing_in_place(%x: memref<4xf32>) {
  %a = memref.alloc() : memref<4xf32>
  // expected-error @below {{a buffer that grows has no place}}
  %b = memref.realloc %a : memref<4xf32> to memref<8xf32>
  return
}

// -----

func.func @aligned() {
  // expected-error @below {{a buffer in a workspace begins at a multiple of 64, not of more}}
  %a = memref.alloc() {alignment = 128 : i64} : memref<4xf32>
  return
}

// -----

func.func @scope(%x: memref<4xf32>) {
  %b = memref.alloca_scope -> (memref<4xf32>) {
    // expected-error @below {{a buffer leaves the loop, or the branch, that allocates it}}
    %a = memref.alloc() : memref<4xf32>
    memref.alloca_scope.return %a : memref<4xf32>
  }
  memref.copy %x, %b : memref<4xf32> to memref<4xf32>
  return
}

// -----

func.func private @outer()
module @inner {
  func.func @f() {
    // expected-error @below {{only functions of the module itself have a workspace}}
    %a = memref.alloc() : memref<4xf32>
    return
  }
}
