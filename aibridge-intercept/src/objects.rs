//! Objects that are stored at a provider and belong to the actor who created them: responses and conversations.

use aibridge_recorder::{Interception, ObjectOwner, Record};
use jiff::Timestamp;
use std::fmt;

/// A reference to an object at a provider, in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectReference {
    /// The kind of object, and its place in the request.
    pub kind: ObjectKind,
    /// The provider's id of the object.
    pub id: String,
}

/// The kind of an object, and the place of the reference in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// A response, named in the path.
    Response,
    /// The response to continue, named in the body.
    PreviousResponse,
    /// A conversation, named in the path or in the body.
    Conversation,
}

impl ObjectReference {
    /// A reference to the object `id`.
    pub fn new(kind: ObjectKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

/// The message of the OpenAI API for an object that does not exist.
impl fmt::Display for ObjectReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ObjectKind::Response => "Response",
            ObjectKind::PreviousResponse => "Previous response",
            ObjectKind::Conversation => "Conversation",
        };
        write!(f, "{kind} with id '{}' not found.", self.id)
    }
}

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
