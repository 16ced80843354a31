use jiff::Timestamp;

/// A row of `aibridge_object_owners`: an object that lives at a provider, and the actor who made it.
///
/// The first owner of an object is its owner for good: a later record about the same object changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectOwner {
    /// The configured name of the provider that the object lives at.
    pub provider_name: String,
    /// The provider's id of the object, e.g. of a response or a conversation.
    pub object_id: String,
    /// The actor who made it.
    pub initiator_id: String,
    /// When it was seen first.
    pub created_at: Timestamp,
}

impl ObjectOwner {
    /// The longest `object_id` that is recorded, in bytes: a database has to index it. Providers' own are far shorter.
    pub const MAX_ID_BYTES: usize = 1024;
}
