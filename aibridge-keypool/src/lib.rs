//! A provider's keys in order: their states, one request's walk over them, `Retry-After`, masking.
//!
//! A [`KeyPool`] holds a provider's keys in the order of preference. One upstream call takes one
//! [walk](KeyPool::walk_for) over it: [`Walker::next_key`] offers each key that is valid, at most once, and the
//! caller reports to the [`Key`] what the provider answered. A rate limit makes the key *cool* for the model that was
//! asked; an empty account or a rejection, for all models. Until that is over, no walk is offered the key, and then one
//! walk tries it before the rest follow. When no key is left, [`Walker::exhausted`] returns why, and when to come back.
//!
//! This crate knows no HTTP client and no runtime: nothing in it waits, and time comes in as a
//! [`quanta::Clock`]. It is what you depend on to spread load over keys of your own.
//!
//! ```
//! use aibridge_keypool::{Exhausted, KeyPool, retry_after};
//! use std::time::{Duration, SystemTime};
//!
//! # fn main() -> Result<(), aibridge_keypool::KeyPoolError> {
//! let (clock, time) = quanta::Clock::mock(); // a program says quanta::Clock::new()
//! let pool = KeyPool::new(vec!["sk-first".into(), "sk-second".into()], clock)?;
//!
//! let mut walk = pool.walk_for("gpt-5");
//! while let Some(key) = walk.next_key() {
//!     // send the request with key.secret(); say the provider answers 429 with `Retry-After: 20`
//!     key.rate_limited(retry_after(None, Some("20"), SystemTime::now()));
//! }
//! assert_eq!(walk.exhausted(), Exhausted::RateLimited { retry_after: Duration::from_secs(20) });
//! assert!(pool.walk_for("gpt-5-mini").next_key().is_some(), "the limit is that of one model");
//!
//! time.increment(Duration::from_secs(20));
//! assert_eq!(pool.walk_for("gpt-5").next_key().map(|key| key.hint().to_owned()), Some("s...t".to_owned()));
//! # Ok(())
//! # }
//! ```

mod backoff;
mod cooldown;
mod counts;
mod elsewhere;
mod health;
mod hint;
mod key;
mod models;
mod pool;
mod probation;
mod retry_after;
mod transitions;
mod walker;

pub use cooldown::{CoolingReason, KeyState};
pub use counts::KeyCounts;
pub use elsewhere::{Fingerprint, KeyNews};
pub use hint::hint;
pub use key::Key;
pub use models::ModelCooldown;
pub use pool::{KeyPool, KeyPoolError, KeyStatus};
pub use retry_after::retry_after;
pub use transitions::Transitions;
pub use walker::{Exhausted, Walker};
