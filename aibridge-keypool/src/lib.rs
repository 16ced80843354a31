//! A provider's API keys: their states, failover between them, `Retry-After`, and masking.
//!
//! A [`KeyPool`] holds the keys in order of preference. Each upstream call takes one [walk](KeyPool::walk_for) over the
//! pool: [`Walker::next_key`] returns each valid key, at most once, and the caller reports the response of the provider
//! to the [`Key`]. After a rate limit, the key *cools* for the model of the request; after a lack of credit or a
//! rejection, it cools for all models. Walks skip a cooling key. After the cooldown, one walk *probes* the key before
//! others use it. When no key is left, [`Walker::exhaustion`] returns the reason and the time until a retry.
//!
//! This crate depends on no HTTP client and no async runtime: no function waits, and callers provide the time as a
//! [`quanta::Clock`]. Depend on it to spread load over keys of your own:
//!
//! ```
//! use aibridge_keypool::{Exhaustion, KeyPool, retry_after};
//! use std::time::{Duration, SystemTime};
//!
//! # fn main() -> Result<(), aibridge_keypool::KeyPoolError> {
//! let (clock, time) = quanta::Clock::mock(); // a program uses quanta::Clock::new()
//! let pool = KeyPool::new(vec!["sk-first".into(), "sk-second".into()], clock)?;
//!
//! let mut walk = pool.walk_for("gpt-5");
//! while let Some(key) = walk.next_key() {
//!     // send the request with key.secret(); here the provider responds with 429 and `Retry-After: 20`
//!     key.rate_limited(retry_after(None, Some("20"), SystemTime::now()));
//! }
//! assert_eq!(walk.exhaustion(), Exhaustion::RateLimited { retry_after: Duration::from_secs(20) });
//! assert!(pool.walk_for("gpt-5-mini").next_key().is_some(), "the rate limit applies to one model");
//!
//! time.increment(Duration::from_secs(20));
//! assert_eq!(pool.walk_for("gpt-5").next_key().map(|key| key.hint().to_owned()), Some("s...t".to_owned()));
//! # Ok(())
//! # }
//! ```

mod backoff;
mod cooldown;
mod counts;
mod fingerprint;
mod health;
mod hint;
mod key;
mod models;
mod pool;
mod probe;
mod remote_cooldown;
mod retry_after;
mod slot;
mod state;
mod transitions;
mod walk;
mod walker;

pub use counts::KeyCounts;
pub use fingerprint::Fingerprint;
pub use hint::hint;
pub use key::Key;
pub use models::ModelCooldown;
pub use pool::{KeyPool, KeyPoolError};
pub use remote_cooldown::SharedKeyState;
pub use retry_after::retry_after;
pub use slot::KeyStatus;
pub use state::{CoolingReason, KeyState};
pub use transitions::Transitions;
pub use walker::{Exhaustion, Walker};
