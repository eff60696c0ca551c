//! Set-up and tasks of the project: run, test, bench.
fn main() {}
