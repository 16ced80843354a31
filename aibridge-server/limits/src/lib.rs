//! Limits on requests: how many are in flight, and how many requests and tokens each actor may use per minute.
//!
//! A request is [admitted](RequestLimits::admit) after authentication and before its body is read. It acquires its
//! [`RequestPermit`] when the body is read, and the [`PermitBody`] of the response holds the permit to the end. The tokens
//! of a request are known only after the response: [`RequestLimits::charge`] takes them from the bucket of the actor,
//! which may go into debt.
//!
//! A reload replaces the limits and keeps the counts. Counts are per gateway process and are lost when it ends.

mod actor_buckets;
mod bucket;
mod limit_exceeded;
mod limits;
mod permit;
mod rate_limit;
mod refusal_log;

pub use limit_exceeded::LimitExceeded;
pub use limits::RequestLimits;
pub use permit::{PermitBody, RequestPermit};
pub use rate_limit::{Allowance, RateLimited, Unit};
