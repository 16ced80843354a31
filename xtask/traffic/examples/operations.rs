//! Repeats one operation so many times; what valgrind counts is what it costs. `cargo xtask bench --instructions`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measuring tool talks to the one that runs it"
)]

#[path = "../benches/operations.rs"]
mod operations;

/// The function that `cargo xtask bench --instructions` counts in.
#[inline(never)]
fn repeated(operation: &mut operations::Operation, count: usize) {
    for _ in 0..count {
        operation();
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let count: usize = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(0);
    for (known, mut operation) in operations::all() {
        if name == "list" {
            println!("{known}");
        } else if known == name {
            // What is done only once does not count.
            operation();
            repeated(&mut operation, count);
        }
    }
}
