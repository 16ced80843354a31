//! The aibridge binary.
fn main() {}
