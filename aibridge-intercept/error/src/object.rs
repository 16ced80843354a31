//! References to objects that are stored at a provider: responses and conversations.

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
