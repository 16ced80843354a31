//! A provider's keys in order: their states, one request's walk over them, `Retry-After`, masking.
//!
//! A [`KeyPool`] holds a provider's keys in the order of preference. One upstream call takes one
//! [walk](KeyPool::walk) over it: [`Walker::next_key`] offers each key that is valid, at most once, and the
//! caller tells the [`Key`] what the provider answered. A 429 or a 401 makes the key *cool*: until that is
//! over, no walk is offered it, and then one walk tries it before the rest follow. When nothing is left, [`Walker::exhausted`] says why, and when to come back.
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
//! let mut walk = pool.walk();
//! while let Some(key) = walk.next_key() {
//!     // send the request with key.secret(); say the provider answers 429 with `Retry-After: 20`
//!     key.rate_limited(retry_after(None, Some("20"), SystemTime::now()));
//! }
//! assert_eq!(walk.exhausted(), Exhausted::RateLimited { retry_after: Duration::from_secs(20) });
//!
//! time.increment(Duration::from_secs(20));
//! assert_eq!(pool.walk().next_key().map(|key| key.hint().to_owned()), Some("s...t".to_owned()));
//! # Ok(())
//! # }
//! ```

mod cooldown;
mod counts;
mod elsewhere;
mod hint;
mod key;
mod pool;
mod probation;
mod retry_after;
mod walker;

pub use cooldown::{CoolingReason, KeyState, Transitions};
pub use counts::KeyCounts;
pub use elsewhere::{Fingerprint, KeyNews};
pub use hint::hint;
pub use key::Key;
pub use pool::{KeyPool, KeyPoolError, KeyStatus};
pub use retry_after::retry_after;
pub use walker::{Exhausted, Walker};
