//! The options with which a journal is opened.

/// The condition under which a frame counts as durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// As soon as it is appended: it survives the death of the process, not that of the machine.
    #[default]
    Process,
    /// After the disk has stored it: it survives a power loss.
    Power,
}

/// The thread that prepares files, syncs and finishes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Maintenance {
    /// A thread that the journal starts, and joins when it is dropped.
    #[default]
    Thread,
    /// The caller, with [`Journal::sync`](crate::Journal::sync) and [`Journal::maintain`](crate::Journal::maintain).
    Manual,
}

/// The options of a journal. All sizes are in bytes.
#[derive(Clone, Debug)]
pub struct Options {
    /// The condition under which a frame counts as durable.
    pub durability: Durability,
    /// The thread that prepares files, syncs and finishes them.
    pub maintenance: Maintenance,
    /// The size at which the next file takes over. A larger frame has a larger file.
    pub file_bytes: u64,
    /// The stored bytes from which on starts are refused.
    pub max_bytes: u64,
    /// The bytes that may be stored in addition, for the ends of accepted starts.
    pub reserve_bytes: u64,
    /// The largest payload of one frame. Values above 2 GiB count as 2 GiB.
    pub max_payload_bytes: usize,
    /// Payloads from this size on are written to a file of their own before it takes over, so that other appends do not wait
    /// meanwhile.
    pub large_payload_bytes: usize,
    /// The bytes of unreleased frames that are kept in memory for a reader that is close behind. A payload that is a slice
    /// of a larger buffer keeps the whole buffer in memory.
    pub tail_bytes: u64,
    /// The bytes that may wait for the disk with [`Durability::Power`] before starts are refused. These frames are kept in
    /// memory in addition to `tail_bytes`, because they are written again after a failed sync.
    pub max_unsynced_bytes: u64,
    /// Measures appends, and the time between two looks for a removed file.
    pub clock: quanta::Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Process,
            maintenance: Maintenance::Thread,
            file_bytes: 64 << 20,
            max_bytes: 1 << 30,
            reserve_bytes: 256 << 20,
            max_payload_bytes: 128 << 20,
            large_payload_bytes: 4 << 20,
            tail_bytes: 16 << 20,
            max_unsynced_bytes: 256 << 20,
            clock: quanta::Clock::new(),
        }
    }
}
