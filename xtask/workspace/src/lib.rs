//! The repository as its own tasks see it: its folders and crates, and the commands that build them.
//!
//! The commands of `cargo xtask` use it. It has no example, because it works in this repository only.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a developer's tool uses its terminal, its environment and the wall clock"
)]

pub mod gateway;
mod workspace;

pub use workspace::{Package, Workspace, cargo, output, root};
