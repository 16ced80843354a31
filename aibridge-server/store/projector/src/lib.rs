//! The way of a record from a call of the recorder to a database, whichever that is.
//!
//! [`Recording`] appends the records of a call to the journal, the [`ProjectorThread`] applies the journal to a [`Sink`],
//! and [`Progress`] is what they share. [`journals`] opens the directories, and [`catch_up`](catch_up()) is what a command
//! does for a gateway that is gone.

mod catch_up;
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
