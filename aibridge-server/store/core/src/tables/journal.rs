//! The table of the records that the database refused for their content.

use super::{Column, Kind, Row, Table, Value};
use crate::batch::Rejected;
use uuid::Uuid;

/// Records that the database refused for their content.
pub static REJECTED_RECORDS: Table = Table {
    name: "aibridge_rejected_records",
    key: &["id"],
    columns: &[
        Column::new("id", Kind::Id, "the id of the row"),
        Column::new("journal_id", Kind::Id, "the journal of the gateway"),
        Column::new("position", Kind::Count, "the sequence number of the frame in the journal"),
        Column::new(
            "interception_id",
            Kind::Id,
            "the interception that the record belongs to; null if it has none",
        )
        .nullable(),
        Column::new("reason", Kind::Text, "what the database reported"),
        Column::new("record", Kind::Text, "the record as JSON; null if the database refuses that text, too")
            .nullable(),
        Column::new("rejected_at", Kind::Time, "when the record was rejected"),
    ],
};

/// The values of a row of [`REJECTED_RECORDS`].
pub fn rejected(row: &Rejected, journal: Uuid) -> Row<'_> {
    vec![
        Value::Id(row.id),
        Value::Id(journal),
        Value::Number(row.position.cast_signed()),
        row.interception_id.map_or(Value::Null, Value::Id),
        Value::text(&row.reason),
        Value::optional(row.record.as_deref()),
        Value::Time(row.rejected_at),
    ]
}
