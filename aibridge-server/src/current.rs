//! What is in force: all that a reload can change, changed at once.

use crate::limits::Limits;
use crate::listen::Bounds;
use crate::origin::OriginPolicy;
use crate::providers::Providers;
use crate::who::Who;
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use std::sync::Arc;
use std::time::Duration;

/// What requests go by. One that has begun goes by what was in force then, to its end.
pub struct RuntimeSnapshot {
    /// Whom to ask.
    pub providers: Providers,
    /// Who asks.
    pub who: Who,
    /// Which web pages may ask.
    pub origins: OriginPolicy,
    /// Whether clients may bring their own keys.
    pub byok: bool,
    /// How much they may ask.
    pub limits: Limits,
    /// The most that is read of a body, compressed or not.
    pub max_body_bytes: usize,
    /// How long open answers may go on after the gateway was told to stop.
    pub shutdown_grace: Duration,
    /// How connections of clients are protected, from the next one on.
    pub tls: Option<Arc<ServerConfig>>,
    /// What clients may do with connections.
    pub connections: Bounds,
    /// How old interceptions get before they are deleted; `None` if they are kept.
    pub retention: Option<Duration>,
}

/// Where to find what is in force. Clones find the same.
#[derive(Clone)]
pub struct Current(Arc<ArcSwap<RuntimeSnapshot>>);

impl Current {
    /// Puts `first` in force.
    pub fn new(first: RuntimeSnapshot) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(first)))
    }

    /// What is in force now.
    pub fn load(&self) -> Arc<RuntimeSnapshot> {
        self.0.load_full()
    }

    /// Puts `next` in force, from the next request on.
    pub fn replace(&self, next: RuntimeSnapshot) {
        self.0.store(Arc::new(next));
    }
}
