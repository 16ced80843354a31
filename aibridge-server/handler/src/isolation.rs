//! Isolates actors from each other: with a pooled key, a stored object at the provider belongs to the actor who created
//! it.

mod cache;

use crate::runtime_config::{RuntimeConfig, RuntimeSnapshot};
use aibridge_intercept::Error;
use aibridge_intercept::objects::ObjectReference;
use aibridge_recorder::{
    CredentialKind, Interception, ObjectOwner, Record, Recorder, RecorderError, async_trait,
};
use aibridge_store::Store;
use cache::OwnerCache;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Checks requests against the owners of objects, and caches the owners that this gateway records.
///
/// Owners are looked up in the cache, then in the store. A request that names no object costs nothing.
pub struct Isolation {
    store: Store,
    recorder: Arc<dyn Recorder>,
    runtime_config: RuntimeConfig,
    cache: OwnerCache,
    limit: Duration,
}

/// The provider, the actor and the key of a request.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The provider's configured name.
    pub provider: &'a str,
    /// The id of the actor.
    pub actor: &'a str,
    /// Whether the provider key is pooled or the client's own.
    pub credential: CredentialKind,
}

impl Isolation {
    /// Creates an isolation that records owners with `recorder` and looks them up in `store`. A lookup fails after `limit`.
    pub fn new(
        recorder: Arc<dyn Recorder>,
        store: Store,
        runtime_config: RuntimeConfig,
        limit: Duration,
    ) -> Self {
        Self { store, recorder, runtime_config, cache: OwnerCache::default(), limit }
    }

    /// Whether objects of other actors are refused to `caller`. Only access tokens distinguish actors, and a client with
    /// its own key can reach only what that key can.
    pub fn applies(snapshot: &RuntimeSnapshot, caller: Caller<'_>) -> bool {
        snapshot.authenticator.requires_tokens() && caller.credential == CredentialKind::Centralized
    }

    /// Refuses an interception whose request refers to an object of another actor.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::check`].
    pub async fn check_interception(
        &self,
        snapshot: &RuntimeSnapshot,
        interception: &Interception,
        references: &[ObjectReference],
    ) -> Result<(), Error> {
        let caller = Caller {
            provider: &interception.provider_name,
            actor: &interception.initiator_id,
            credential: interception.credential_kind,
        };
        self.check(snapshot, caller, references).await
    }

    /// Refuses a request that names an object of another actor. An object without a recorded owner is allowed.
    ///
    /// # Errors
    ///
    /// [`Error::ObjectNotFound`], and [`Error::RecorderUnavailable`] if the store does not return the owner.
    pub async fn check(
        &self,
        snapshot: &RuntimeSnapshot,
        caller: Caller<'_>,
        objects: &[ObjectReference],
    ) -> Result<(), Error> {
        if objects.is_empty() || !Self::applies(snapshot, caller) {
            return Ok(());
        }
        // Two providers with one upstream have the same objects.
        let providers: Vec<&str> =
            snapshot.providers.sharing_upstream(caller.provider).map(|provider| provider.name()).collect();
        // No owner is recorded for a longer id.
        let recordable = |object: &&ObjectReference| object.id.len() <= ObjectOwner::MAX_ID_BYTES;
        let mut unknown = Vec::new();
        for object in objects.iter().filter(recordable) {
            match providers.iter().find_map(|provider| self.cache.owner(provider, &object.id)) {
                Some(owner) => admit(caller, object, &owner)?,
                None => unknown.push(object),
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = unknown.iter().map(|object| object.id.clone()).collect();
        for provider in providers {
            let owners = self.look_up(provider, &ids).await?;
            for (object, owner) in unknown.iter().zip(owners) {
                if let Some(owner) = owner {
                    self.cache.insert(provider, &object.id, &owner);
                    admit(caller, object, &owner)?;
                }
            }
        }
        Ok(())
    }

    async fn look_up(&self, provider: &str, ids: &[String]) -> Result<Vec<Option<String>>, Error> {
        match timeout(self.limit, self.store.object_owners(provider, ids)).await {
            Ok(Ok(owners)) => Ok(owners),
            Ok(Err(error)) => {
                tracing::error!(%error, "could not look up the owner of an object: the request is refused");
                Err(Error::RecorderUnavailable)
            }
            Err(_) => {
                tracing::error!(
                    "timed out looking up the owner of an object in the store: the request is refused"
                );
                Err(Error::RecorderUnavailable)
            }
        }
    }

    /// Whether an owner need not be recorded: because actors have no access tokens, or because it is recorded already.
    fn is_redundant(&self, record: &Record, tokens: bool) -> bool {
        owner(record).is_some_and(|ObjectOwner { provider_name, object_id, .. }| {
            !tokens || self.cache.owner(provider_name, object_id).is_some()
        })
    }
}

fn admit(caller: Caller<'_>, object: &ObjectReference, owner: &str) -> Result<(), Error> {
    if caller.actor == owner {
        return Ok(());
    }
    tracing::info!(
        actor = caller.actor,
        provider = caller.provider,
        kind = ?object.kind,
        "refused a request that names an object of another actor"
    );
    Err(Error::ObjectNotFound(object.clone()))
}

#[async_trait]
impl Recorder for Isolation {
    async fn record(&self, mut records: Vec<Record>) -> Result<(), RecorderError> {
        if !records.iter().any(|record| owner(record).is_some()) {
            return self.recorder.record(records).await;
        }
        let tokens = self.runtime_config.load().authenticator.requires_tokens();
        records.retain(|record| !self.is_redundant(record, tokens));
        let owners: Vec<ObjectOwner> = records.iter().filter_map(owner).cloned().collect();
        // This gateway enforces them from now on, before they are durable: a stream does not wait for that.
        // If another gateway recorded another owner at the same moment, that owner stays in the store, and this one in the
        // cache until it is evicted. Both actors used an object that neither created.
        for ObjectOwner { provider_name, object_id, initiator_id, .. } in &owners {
            self.cache.insert(provider_name, object_id, initiator_id);
        }
        let recorded = self.recorder.record(records).await;
        if recorded.is_err() {
            for ObjectOwner { provider_name, object_id, .. } in &owners {
                self.cache.remove(provider_name, object_id);
            }
        }
        recorded
    }
}

fn owner(record: &Record) -> Option<&ObjectOwner> {
    match record {
        Record::Owner(owner) => Some(owner),
        _ => None,
    }
}
