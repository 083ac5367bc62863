// What launches call is defined in the module, by functions of the driver; declarations make way.

// RUN: %catgrad-opt %s --catgrad-driver-calls | %filecheck %s

// CHECK-LABEL: llvm.func @f.entry
// CHECK: llvm.call @mgpuStreamCreate()
// CHECK-NOT: llvm.func @mgpuStreamCreate() -> !llvm.ptr{{$}}
// CHECK: llvm.mlir.global external @catgrad.launches() {{.*}}: !llvm.struct<(ptr, ptr, i32)>
// CHECK: llvm.func @cuModuleGetFunction(!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
// CHECK: llvm.func @cuLaunchKernel(

// A launch is left out after one that failed; else its status is kept.
// CHECK-LABEL: llvm.func @mgpuLaunchKernel(
// CHECK: %[[STATUS_AT:.*]] = llvm.getelementptr %{{.*}}[0, 2]
// CHECK: %[[BEFORE:.*]] = llvm.load %[[STATUS_AT]]
// CHECK: %[[SUCCEEDED:.*]] = llvm.icmp "eq" %[[BEFORE]]
// CHECK: llvm.cond_br %[[SUCCEEDED]], ^[[LAUNCH:.*]], ^[[DONE:.*]]
// CHECK: ^[[LAUNCH]]:
// CHECK: %[[STATUS:.*]] = llvm.call @cuLaunchKernel(
// CHECK: llvm.store %[[STATUS]], %[[STATUS_AT]]
// CHECK: llvm.br ^[[DONE]]
// CHECK: llvm.func @mgpuStreamCreate() -> !llvm.ptr {
// CHECK-NEXT: llvm.mlir.zero
llvm.func @f.entry() {
  %stream = llvm.call @mgpuStreamCreate() : () -> !llvm.ptr
  llvm.return
}
llvm.func @mgpuStreamCreate() -> !llvm.ptr
