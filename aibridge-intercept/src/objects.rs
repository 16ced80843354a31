//! Objects that live at a provider and belong to the actor who made them: responses and conversations.

use aibridge_recorder::{Interception, ObjectOwner, Record};
use jiff::Timestamp;
use std::fmt;

/// An object at a provider that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectReference {
    /// What it is, and how the request names it.
    pub kind: ObjectKind,
    /// The provider's id of it.
    pub id: String,
}

/// What an object is, and how a request names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// A response, in the path.
    Response,
    /// A response, in the body: the one to continue.
    PreviousResponse,
    /// A conversation, in the path or in the body.
    Conversation,
}

impl ObjectReference {
    /// The object `id` of this kind.
    pub fn new(kind: ObjectKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }
}

/// How the OpenAI API says that there is no such object.
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

/// The records that make the actor of `interception` the owner of `objects`.
pub(crate) fn owners<'a>(
    interception: &'a Interception,
    objects: &'a [String],
    now: Timestamp,
) -> impl Iterator<Item = Record> + 'a {
    let Interception { provider_name, initiator_id, .. } = interception;
    objects.iter().filter_map(move |object| owner(provider_name, initiator_id, object, now))
}

/// The record that makes `actor` the owner of `object`; `None` if the id is too long to be recorded.
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
