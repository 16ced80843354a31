//! Repeats one operation a given number of times, so that valgrind can count its instructions. Used by
//! `cargo xtask bench --instructions`.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a measuring tool prints its results")]

#[path = "../benches/operations.rs"]
mod operations;

/// The function whose instructions `cargo xtask bench --instructions` counts.
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
            // The first run does work that later runs do not repeat.
            operation();
            repeated(&mut operation, count);
        }
    }
}
