//! The owners of objects that live at a provider.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A row of `aibridge_object_owners`: an object that lives at a provider, and the actor who created it.
///
/// The first record about an object decides its owner. Later records about the same object change nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectOwner {
    /// The configured name of the provider.
    pub provider_name: String,
    /// The provider's id of the object, e.g. of a response or a conversation.
    pub object_id: String,
    /// The id of the actor who created the object.
    pub initiator_id: String,
    /// The time at which the gateway first read the object's id.
    pub created_at: Timestamp,
}

impl ObjectOwner {
    /// The maximum length of a recorded `object_id`, in bytes. A database has to index it; the ids of providers are
    /// much shorter.
    pub const MAX_ID_BYTES: usize = 1024;
}
