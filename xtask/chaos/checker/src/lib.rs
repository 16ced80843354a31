//! The checker of `cargo xtask chaos`: the planned requests, and the comparison of their records with what clients received.
//!
//! A [`Plan`] is a request, its response and its expected rows, all derived from a number. The [`Ledger`] holds what clients
//! and provider received. [`compare`] finds every record that is lost, doubled or wrong. Nothing here does I/O:
//! `aibridge-chaos` starts the gateways, injects the faults and reads the database.

mod check;
mod ledger;
mod plan;
pub mod planned_records;
mod records;
pub mod response;

pub use check::{Comparison, Violations, compare};
pub use ledger::{Entry, Ledger, Outcome};
pub use plan::Plan;
pub use records::{PROMPT_START, Record, Records};
