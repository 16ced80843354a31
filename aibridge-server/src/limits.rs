//! How much clients may ask of this gateway: requests under way at once, and each actor's requests and tokens in a
//! minute.
//!
//! A request is [admitted](Limits::admit) when it is known whose it is, and before its body is read. What it is given
//! then is its [`Place`], which goes with the answer's body to the end. Its tokens are known only when it has been
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

    /// Admits a request of `actor`, until its place is dropped. One that does not spend tokens need not wait for them.
    ///
    /// # Errors
    ///
    /// [`Error::Overloaded`] or [`Error::RateLimited`], for which the actor is charged nothing.
    pub fn admit(&self, actor: &str, spends_tokens: bool) -> Result<Place, Error> {
        let admitted = self.place(actor, spends_tokens);
        admitted.inspect_err(|error| self.counts.told.refused(error))
    }

    fn place(&self, actor: &str, spends_tokens: bool) -> Result<Place, Error> {
        let place = self.counts.concurrency.enter(self.settings.max_concurrent_requests)?;
        self.counts.actors.request(actor, self.per_minute(), spends_tokens)?;
        Ok(place)
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
