//! Isolation of actors from each other: with a key of the pool, an object that lives at the provider belongs to the actor
//! who made it.

mod cache;

use crate::current::{Current, RuntimeSnapshot};
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

/// Checks requests against the owners of objects, and remembers the owners that this gateway records.
///
/// Owners are looked up in memory, then in the store. A request that names no object costs nothing.
pub struct Isolation {
    store: Store,
    recorder: Arc<dyn Recorder>,
    current: Current,
    cache: OwnerCache,
    limit: Duration,
}

/// On whose behalf a request is made, and with whose key.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The provider's configured name.
    pub provider: &'a str,
    /// The actor.
    pub actor: &'a str,
    /// Whose key pays.
    pub credential: CredentialKind,
}

impl Isolation {
    /// Records to `recorder` and looks up in `store`, which counts as unavailable if it does not answer within `limit`.
    pub fn new(recorder: Arc<dyn Recorder>, store: Store, current: Current, limit: Duration) -> Self {
        Self { store, recorder, current, cache: OwnerCache::default(), limit }
    }

    /// Whether objects of other actors are out of reach for `caller`. Only access tokens tell actors apart, and a client
    /// with its own key is limited by that.
    pub fn applies(now: &RuntimeSnapshot, caller: Caller<'_>) -> bool {
        now.who.wants_tokens() && caller.credential == CredentialKind::Centralized
    }

    /// Refuses an interception whose request refers to an object of another actor.
    ///
    /// # Errors
    ///
    /// As [`Self::check`].
    pub async fn check_interception(
        &self,
        now: &RuntimeSnapshot,
        interception: &Interception,
        references: &[ObjectReference],
    ) -> Result<(), Error> {
        let caller = Caller {
            provider: &interception.provider_name,
            actor: &interception.initiator_id,
            credential: interception.credential_kind,
        };
        self.check(now, caller, references).await
    }

    /// Refuses a request that names an object of another actor. An object whose owner is unknown is nobody's.
    ///
    /// # Errors
    ///
    /// [`Error::ObjectNotFound`], and [`Error::RecorderUnavailable`] if the store does not say whose an object is.
    pub async fn check(
        &self,
        now: &RuntimeSnapshot,
        caller: Caller<'_>,
        objects: &[ObjectReference],
    ) -> Result<(), Error> {
        if objects.is_empty() || !Self::applies(now, caller) {
            return Ok(());
        }
        // Two providers with one upstream have the same objects.
        let providers: Vec<&str> =
            now.providers.sharing_upstream(caller.provider).map(|provider| provider.name()).collect();
        // No owner is recorded for an id that is longer.
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
                    self.cache.remember(provider, &object.id, &owner);
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
                tracing::error!(%error, "could not look up whose object a request names: it is refused");
                Err(Error::RecorderUnavailable)
            }
            Err(_) => {
                tracing::error!("the store took too long to say whose object a request names: it is refused");
                Err(Error::RecorderUnavailable)
            }
        }
    }

    /// Which owners need no recording: all of them while no access token tells actors apart, and those on record.
    fn is_needless(&self, record: &Record, tokens: bool) -> bool {
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
        "a request names an object of another actor: it is refused"
    );
    Err(Error::ObjectNotFound(object.clone()))
}

#[async_trait]
impl Recorder for Isolation {
    async fn record(&self, mut records: Vec<Record>) -> Result<(), RecorderError> {
        if !records.iter().any(|record| owner(record).is_some()) {
            return self.recorder.record(records).await;
        }
        let tokens = self.current.load().who.wants_tokens();
        records.retain(|record| !self.is_needless(record, tokens));
        let owners: Vec<ObjectOwner> = records.iter().filter_map(owner).cloned().collect();
        self.recorder.record(records).await?;
        // If another gateway recorded another owner in the same moment, that one is the owner, and this one is believed
        // here until it is forgotten: both used an object that neither made.
        for ObjectOwner { provider_name, object_id, initiator_id, .. } in &owners {
            self.cache.remember(provider_name, object_id, initiator_id);
        }
        Ok(())
    }
}

fn owner(record: &Record) -> Option<&ObjectOwner> {
    match record {
        Record::Owner(owner) => Some(owner),
        _ => None,
    }
}
