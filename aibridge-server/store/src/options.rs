use std::path::PathBuf;

/// Where a store lives, and what its records survive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The database file. It is created, readable by its owner alone, if it is missing; its directory is not.
    pub path: PathBuf,
    /// What a record survives once it is called durable.
    pub durability: Durability,
}

/// What a record survives once it is called durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Durability {
    /// The death of the process, `kill -9` included: a commit has been handed to the operating system.
    #[default]
    Process,
    /// A power cut too: every (shared) commit waits for the disk.
    Power,
}
