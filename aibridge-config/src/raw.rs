//! The mirror of the settings file: names, types and defaults, nothing else.

use crate::auth::RawAuth;
use crate::provider::RawProvider;
use crate::server::RawServer;
use crate::store::RawStore;
use serde::{Deserialize, Serialize};

/// The whole file. `S` is how a credential is held: read as a [`Secret`](crate::secret::Secret), shown as a
/// hint.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(crate) struct Raw<S> {
    pub(crate) server: RawServer,
    pub(crate) auth: RawAuth,
    pub(crate) store: RawStore,
    pub(crate) provider: Vec<RawProvider<S>>,
}

impl<S> Default for Raw<S> {
    fn default() -> Self {
        Self {
            server: RawServer::default(),
            auth: RawAuth::default(),
            store: RawStore::default(),
            provider: Vec::new(),
        }
    }
}
