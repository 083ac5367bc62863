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
