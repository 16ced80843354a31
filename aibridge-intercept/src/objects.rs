//! Objects that are stored at a provider and belong to the actor who created them: responses and conversations.

pub use aibridge_error::object::{ObjectKind, ObjectReference};

use aibridge_recorder::{Interception, ObjectOwner, Record};
use jiff::Timestamp;

/// The records of `objects` that belong to the actor of `interception`.
pub(crate) fn owners<'a>(
    interception: &'a Interception,
    objects: &'a [String],
    now: Timestamp,
) -> impl Iterator<Item = Record> + 'a {
    let Interception { provider_name, initiator_id, .. } = interception;
    objects.iter().filter_map(move |object| owner(provider_name, initiator_id, object, now))
}

/// The record of an `object` that belongs to `actor`; `None` if its id is too long to be recorded.
pub(crate) fn owner(provider: &str, actor: &str, object: &str, now: Timestamp) -> Option<Record> {
    (object.len() <= ObjectOwner::MAX_ID_BYTES).then(|| {
        Record::Owner(ObjectOwner {
            provider_name: provider.to_owned(),
            object_id: object.to_owned(),
            initiator_id: actor.to_owned(),
            created_at: now,
        })
    })
}
