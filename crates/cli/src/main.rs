//! The `wirelab` program.

fn main() {}
