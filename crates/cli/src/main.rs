//! The one binary, `sakigake`.

fn main() {}
