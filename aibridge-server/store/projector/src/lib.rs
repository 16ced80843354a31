//! Stores records: from a call of the recorder to the journal, and from the journal to a database of either kind.
//!
//! [`Recording`] appends the records of a call to the journal, the [`ProjectorThread`] applies the journal to a [`Sink`],
//! and both share a [`Progress`]. [`journals`] opens the directories. A command calls [`catch_up`](catch_up()), which
//! projects the journal of a gateway that does not run.

mod catch_up;
mod handover;
pub mod journals;
mod observe;
pub mod old_spool;
pub mod probe;
mod progress;
mod projector;
mod recording;

pub use catch_up::catch_up;
pub use observe::CommitObserver;
pub use progress::{JournalStats, Progress};
pub use projector::{Projector, ProjectorThread, Sink, SinkError, Task};
pub use recording::Recording;
