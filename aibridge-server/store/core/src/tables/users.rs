//! The tables of access tokens and of object owners.

use super::{Column, Kind, Row, Table, Value};
use aibridge_recorder::ObjectOwner;

/// The access tokens, including expired and revoked ones.
pub static TOKENS: Table = Table {
    name: "aibridge_tokens",
    key: &["id"],
    columns: &[
        Column::new("id", Kind::Id, "the id by which the token is revoked"),
        Column::new("user_name", Kind::Text, "the `initiator_id` of the requests of its bearer"),
        Column::new("hash", Kind::Bytes, "the SHA-256 of the token; the token itself is not stored"),
        Column::new("hint", Kind::Text, "the masked token, e.g. `aib_...wxyz`"),
        Column::new("created_at", Kind::Time, "when the token was created"),
        Column::new("expires_at", Kind::Time, "when the token expires; null for never").nullable(),
        Column::new("revoked_at", Kind::Time, "when the token was revoked; null if it was not")
            .filled_later(),
        Column::new("admin", Kind::Boolean, "1 if the token admits to the admin API"),
        Column::new("user_groups", Kind::Text, "the groups of the user, separated by commas; null for none")
            .nullable(),
    ],
};

/// The owners of provider objects.
pub static OBJECT_OWNERS: Table = Table {
    name: "aibridge_object_owners",
    key: &["provider_name", "object_id"],
    columns: &[
        Column::new(
            "provider_name",
            Kind::Text,
            "the configured name of the provider that stores the object",
        ),
        Column::new("object_id", Kind::Text, "the provider's id of the object, e.g. `resp_…` or `conv_…`"),
        Column::new("initiator_id", Kind::Text, "the actor who created it"),
        Column::new("created_at", Kind::Time, "when the gateway recorded it first"),
    ],
};

/// The values of a row of [`OBJECT_OWNERS`].
pub fn owner(row: &ObjectOwner) -> Row<'_> {
    vec![
        Value::text(&row.provider_name),
        Value::text(&row.object_id),
        Value::text(&row.initiator_id),
        Value::Time(row.created_at),
    ]
}
