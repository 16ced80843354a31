//! Money in the gateway: admits requests within budgets, and finds what their responses cost.
//!
//! [`Accounting`] joins the price table, the budget ledger and the attributes of a request. Before the body is read,
//! [`Accounting::check`] refuses a request with an exhausted budget. When the request is parsed, [`Accounting::open`]
//! reserves what it may cost and returns the meter of its interception. The meter prices the response before its records
//! are stored, and charges the budgets.
//!
//! [`Repricing`] computes what recorded responses cost at other prices, for a command of the operator.
//!
//! A reload replaces prices and budgets, and keeps what was spent. Nothing here waits or does I/O.

mod accounting;
mod billing;
mod error;
mod meter;
mod price_warnings;
mod pricing;
mod refusals;
mod repricing;
mod request;
mod shared;
mod unrecorded;
mod usage;

pub use accounting::Accounting;
pub use aibridge_intercept::observer::Searches;
pub use billing::vendor_of;
pub use error::BudgetError;
pub use price_warnings::price_warnings;
pub use refusals::RecentRefusal;
pub use repricing::{KeptReason, NewCost, PastUsage, Repricing, recorded_usage};
pub use request::{ACCESS_TOKEN, GROUPS, OpenedRequest, groups_of, key_of};
pub use unrecorded::UnrecordedUsage;
