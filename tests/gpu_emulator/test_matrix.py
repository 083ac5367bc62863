"""Fragments of matrices, laid out as the PTX ISA says: sections "ldmatrix", "Matrix Fragments for mma.m16n8k..."."""

import ml_dtypes
import numpy as np
import pytest

from catgrad.runtime.gpu_emulator import EmulationError

SCHEDULES = ["forward", "reverse", "random:5"]


def load_matrices(count, layout, threads=32):
    """Every thread writes a row of 8 numbers to shared memory; then the warp loads matrices of them."""
    stores = "\n".join(
        f"""
        %k{i} = llvm.mlir.constant({i} : i32) : i32
        %n{i} = llvm.add %r8, %k{i} : i32
        %h{i} = llvm.trunc %n{i} : i32 to i16
        %q{i} = llvm.getelementptr %row[{i}] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i16
        llvm.store %h{i}, %q{i} : i16, !llvm.ptr<3>"""
        for i in range(8)
    )
    kind = "i32" if count == 1 else f"!llvm.struct<({', '.join(['i32'] * count)})>"
    out = "\n".join(
        f"""
        %o{i} = llvm.getelementptr %mine[{i}] : (!llvm.ptr) -> !llvm.ptr, i32
        {"" if count == 1 else f"%e{i} = llvm.extractvalue %m[{i}] : {kind}"}
        llvm.store {"%m" if count == 1 else f"%e{i}"}, %o{i} : i32, !llvm.ptr"""
        for i in range(count)
    )
    return f"""
    llvm.mlir.global internal @s() {{addr_space = 3 : i32, alignment = 16 : i64}} : !llvm.array<256 x i16>
    llvm.func @load(%y: !llvm.ptr, %shift: i32) attributes {{nvvm.kernel}} {{
      %c8 = llvm.mlir.constant(8 : i32) : i32
      %c = llvm.mlir.constant({count} : i32) : i32
      %t = nvvm.read.ptx.sreg.tid.x : i32
      %r8 = llvm.mul %t, %c8 : i32
      %s = llvm.mlir.addressof @s : !llvm.ptr<3>
      %row = llvm.getelementptr %s[%r8] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i16
      {stores}
      nvvm.barrier0
      %at = llvm.getelementptr %row[%shift] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i16
      %m = nvvm.ldmatrix %at {{num = {count} : i32, layout = #nvvm.mma_layout<{layout}>,
        shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>}}
        : (!llvm.ptr<3>) -> {kind}
      %i = llvm.mul %t, %c : i32
      %mine = llvm.getelementptr %y[%i] : (!llvm.ptr, i32) -> !llvm.ptr, i32
      {out}
      llvm.return
    }}"""


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("layout", ["row", "col"])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_ldmatrix(nvvm, count, layout, schedule):
    """Thread t holds the elements of row t / 4 in columns 2 (t mod 4) and the next; or of the transposed matrix."""
    y = np.zeros((32, count, 2), np.int16)
    nvvm(load_matrices(count, layout), schedule).run("load", (1,), (32,), y, np.int32(0))
    matrices = np.arange(count * 64).reshape(count, 8, 8)
    if layout == "col":
        matrices = matrices.transpose(0, 2, 1)
    for t in range(32):
        for i in range(count):
            row, column = t // 4, 2 * (t % 4)
            assert y[t, i].tolist() == matrices[i, row, column : column + 2].tolist()


@pytest.mark.parametrize(
    ("shift", "message"),
    [(1, r"thread \(0, 0, 0\): nvvm.ldmatrix at .*: 16 bytes .*a misaligned address"), (8, "outside the 512 bytes")],
)
def test_addresses_of_rows_are_checked(nvvm, shift, message):
    y = np.zeros((32, 4, 2), np.int16)
    with pytest.raises(EmulationError, match=message):
        nvvm(load_matrices(4, "row")).run("load", (1,), (32,), y, np.int32(shift))


def test_all_lanes_take_part(nvvm):
    y = np.zeros((32, 1, 2), np.int16)
    with pytest.raises(EmulationError, match="not all 32 lanes of the warp take part"):
        nvvm(load_matrices(1, "row")).run("load", (1,), (31,), y, np.int32(0))


# Where element i of a lane's fragment lies, of the lane's group g and its number t in the group.
A_16 = {
    16: lambda g, t, i: (g if i % 4 < 2 else g + 8, 2 * t + i % 2 + (8 if i >= 4 else 0)),
    8: lambda g, t, i: (g if i < 2 else g + 8, 2 * t + i % 2),
}
B_16 = {
    16: lambda g, t, i: (2 * t + i % 2 + (8 if i >= 2 else 0), g),
    8: lambda g, t, i: (2 * t + i, g),
}
A_32 = {8: lambda g, t, i: (g + 8 * (i in {1, 3}), t + 4 * (i >= 2)), 4: lambda g, t, i: (g + 8 * i, t)}
B_32 = {8: lambda g, t, i: (t + 4 * i, g), 4: lambda g, t, i: (t, g)}


def c_at(g, t, i):
    return (g if i < 2 else g + 8, 2 * t + i % 2)


PRODUCTS = [
    ("f16", 16, "vector<2xf16>", np.float16, A_16, B_16),
    ("f16", 8, "vector<2xf16>", np.float16, A_16, B_16),
    ("bf16", 16, "i32", ml_dtypes.bfloat16, A_16, B_16),
    ("tf32", 8, "i32", np.float32, A_32, B_32),
    ("tf32", 4, "i32", np.float32, A_32, B_32),
]


def multiply(name, k, register, count_a, count_b):
    """A warp loads its registers from arrays [lane, register], and stores those of the product."""

    def load(letter, kind, count):
        return "\n".join(
            f"""
            %p{letter}{i} = llvm.getelementptr %{letter}l[{i}] : (!llvm.ptr) -> !llvm.ptr, i32
            %{letter}{i} = llvm.load %p{letter}{i} {{alignment = 4 : i64}} : !llvm.ptr -> {kind}"""
            for i in range(count)
        )

    def base(letter, count):
        return f"""
            %c{letter} = llvm.mlir.constant({count} : i32) : i32
            %i{letter} = llvm.mul %t, %c{letter} : i32
            %{letter}l = llvm.getelementptr %{letter}[%i{letter}] : (!llvm.ptr, i32) -> !llvm.ptr, i32"""

    def names(letter, count):
        return ", ".join(f"%{letter}{i}" for i in range(count))

    types = (
        "" if register != "i32" else "".join(f"multiplicand{side}PtxType = #nvvm.mma_type<{name}>, " for side in "AB")
    )
    result = "!llvm.struct<(f32, f32, f32, f32)>"
    out = "\n".join(
        f"%d{i} = llvm.extractvalue %d[{i}] : {result}\nllvm.store %d{i}, %pz{i} : f32, !llvm.ptr" for i in range(4)
    )
    return f"""
    llvm.func @multiply(%x: !llvm.ptr, %y: !llvm.ptr, %z: !llvm.ptr) attributes {{nvvm.kernel}} {{
      %t = nvvm.read.ptx.sreg.tid.x : i32
      {base("x", count_a)} {base("y", count_b)} {base("z", 4)}
      {load("x", register, count_a)} {load("y", register, count_b)} {load("z", "f32", 4)}
      %d = nvvm.mma.sync A[{names("x", count_a)}] B[{names("y", count_b)}] C[{names("z", 4)}]
        {{layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, {types}
         shape = #nvvm.shape<m = 16, n = 8, k = {k}>}} : ({register}, {register}, f32) -> {result}
      {out}
      llvm.return
    }}"""


def fragments(matrix, place, elements):
    """Return [lane, element] of a matrix."""
    return np.array([[matrix[place(lane // 4, lane % 4, i)] for i in range(elements)] for lane in range(32)])


@pytest.mark.parametrize(("name", "k", "register", "dtype", "at_a", "at_b"), PRODUCTS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_mma(nvvm, name, k, register, dtype, at_a, at_b, schedule):
    generator = np.random.default_rng(k)
    a, b = (generator.integers(-8, 9, shape).astype(dtype) for shape in ((16, k), (k, 8)))
    c = generator.integers(-99, 99, (16, 8)).astype(np.float32)
    x, y, z = fragments(a, at_a[k], k // 2), fragments(b, at_b[k], k // 4), fragments(c, c_at, 4)
    pack = 4 // a.itemsize
    body = multiply(name, k, register, k // 2 // pack, k // 4 // pack)
    nvvm(body, schedule).run("multiply", (1,), (32,), x, y, z)
    expected = a.astype(np.float32) @ b.astype(np.float32) + c
    np.testing.assert_array_equal(z, fragments(expected, c_at, 4))


def test_tf32_ignores_the_low_bits(nvvm):
    a, b, c = np.full((16, 8), 1 + 2.0**-11, np.float32), np.ones((8, 8), np.float32), np.zeros((16, 8), np.float32)
    x, y, z = fragments(a, A_32[8], 4), fragments(b, B_32[8], 2), fragments(c, c_at, 4)
    nvvm(multiply("tf32", 8, "i32", 4, 2)).run("multiply", (1,), (32,), x, y, z)
    np.testing.assert_array_equal(z, 8)
