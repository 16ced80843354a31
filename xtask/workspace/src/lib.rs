//! The repository as its own tasks see it: its folders and crates, and the commands that build them.

pub mod gateway;
mod workspace;

pub use workspace::{Package, Workspace, cargo, output, root};
