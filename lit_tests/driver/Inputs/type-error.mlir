func.func @f(%a: i32) -> f32 {
  // A function that returns the wrong type.
  return %a : i32
}
