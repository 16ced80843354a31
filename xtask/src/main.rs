//! `cargo xtask ci | demo | e2e`
fn main() {}
