//! Spending limits: who may spend how much in a day, a week or a month.
//!
//! A [`Ledger`] keeps what was spent and reserved, and compares it with a list of [`Budget`]s. Before a call,
//! [`Ledger::reserve`] admits it or returns a [`Refusal`]. The [`Reservation`] counts until the call ends: then
//! [`Reservation::settle`] replaces it by the real cost, and dropping it releases it.
//!
//! ```
//! use aibridge_budgets::{Budget, Ledger, Period, Scope, Settings, Subject};
//! use aibridge_prices::NanoUsd;
//!
//! let budget = Budget::new(Scope::User, "*", Some(NanoUsd::dollars(1)), Period::Month);
//! let now = "2026-11-27T12:00:00Z".parse()?;
//! let ledger = Ledger::new(Settings { budgets: vec![budget], ..Settings::default() }, now);
//! let subject = Subject { user: "alice", ..Subject::default() };
//!
//! let reservation = ledger.reserve(&subject, None, NanoUsd::new(2_000_000), now)?;
//! reservation.settle(NanoUsd::dollars(1), now);
//! let refusal = ledger.reserve(&subject, None, NanoUsd::ZERO, now).err().ok_or("admitted")?;
//! assert_eq!(refusal.resets_at.to_string(), "2026-12-01T00:00:00Z");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The ledger counts for every user, group, key, model and provider, whether or not it has a budget. So a budget that is
//! added later counts what was spent before, and a changed amount keeps it.
//!
//! This crate does no I/O and reads no clock: every call states the time.

mod account;
mod budget;
mod estimator;
mod ledger;
mod policy;
mod report;
mod reservation;
mod state;
mod totals;
mod window;

pub use account::Subject;
pub use budget::{Budget, Period, Scope, Settings};
pub use ledger::Ledger;
pub use report::{BudgetState, Refusal, Warning};
pub use reservation::Reservation;
pub use totals::SpentTotals;
pub use window::{Window, Windows};
