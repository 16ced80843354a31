//! How much clients may ask of this gateway: requests under way at once, and each actor's requests and tokens in a
//! minute.
//!
//! A request is [admitted](Limits::admit) when it is known whose it is, and before its body is read. It takes its
//! [`Place`] when the body is there, and the place goes with the answer's body to the end. Its tokens are known only when it has been
//! answered: [`Charging`] sees them, and takes them from the actor's bucket, which may go into debt.
//!
//! A reload brings other limits; what counts against them lives on.

mod actors;
mod bucket;
mod charging;
mod place;
mod told;

use actors::{Actors, PerMinute};
use aibridge_intercept::Error;
use place::Concurrency;
use quanta::Clock;
use std::sync::Arc;
use told::Told;

pub use charging::Charging;
pub use place::{Place, Placed};

/// The limits in force, and what counts against them.
pub struct Limits {
    settings: aibridge_config::Limits,
    counts: Arc<Counts>,
}

/// What lives on when the limits change.
struct Counts {
    concurrency: Arc<Concurrency>,
    actors: Actors,
    told: Told,
}

impl Limits {
    /// Nothing counts yet. `clock` measures the minutes.
    pub fn new(settings: aibridge_config::Limits, clock: Clock) -> Self {
        let (concurrency, actors, told) = (Arc::default(), Actors::new(clock.clone()), Told::new(clock));
        Self { settings, counts: Arc::new(Counts { concurrency, actors, told }) }
    }

    /// Other limits for the same counts.
    #[must_use]
    pub fn renewed(&self, settings: aibridge_config::Limits) -> Self {
        Self { settings, counts: self.counts.clone() }
    }

    /// Admits a request of `actor` before its body is read. Its place is to be taken when the body is there. A request
    /// that does not spend tokens need not wait for them.
    ///
    /// # Errors
    ///
    /// [`Error::Overloaded`] or [`Error::RateLimited`], for which the actor is charged nothing.
    pub fn admit(&self, actor: &str, spends_tokens: bool) -> Result<Place, Error> {
        let place = Place::find(&self.counts.concurrency, self.settings.max_concurrent_requests)?;
        self.counts.actors.request(actor, self.per_minute(), spends_tokens)?;
        Ok(place)
    }

    /// Logs that a limit has refused a request with `error`, now and then.
    pub fn refused(&self, error: &Error) {
        self.counts.told.refused(error);
    }

    /// Takes `tokens` from what `actor` may use.
    fn charge(&self, actor: &str, tokens: u64) {
        self.counts.actors.charge(actor, self.per_minute(), tokens);
    }

    fn per_minute(&self) -> PerMinute {
        let aibridge_config::Limits { requests_per_minute, tokens_per_minute, .. } = self.settings;
        PerMinute { requests: requests_per_minute, tokens: tokens_per_minute }
    }
}
