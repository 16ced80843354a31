//! The payloads of the frames in the journal.

use aibridge_recorder::Record;
use bytes::Bytes;
use uuid::Uuid;

/// The kind of a frame that holds the records of one call, as a JSON array.
pub const RECORDS: u16 = 1;

/// The kind of a frame that takes back the start of an interception, whose id it holds: the start was appended, but
/// the request was refused.
pub const REVOKED: u16 = 2;

/// The payload of a frame of the kind [`RECORDS`].
///
/// # Errors
///
/// None in practice: records are texts and numbers.
pub fn records(records: &[Record]) -> serde_json::Result<Bytes> {
    serde_json::to_vec(records).map(Bytes::from)
}

/// The payload of a frame of the kind [`REVOKED`].
pub fn revoked(interception: Uuid) -> Bytes {
    Bytes::copy_from_slice(interception.as_bytes())
}

/// The approximate number of bytes of the texts in `records` that may be long.
pub fn text_bytes(records: &[Record]) -> usize {
    let bytes = records.iter().map(|record| match record {
        Record::Prompt(prompt) => prompt.prompt.len(),
        Record::ToolUsage(usage) => usage.input.len(),
        Record::Reasoning(reasoning) => reasoning.content.len(),
        Record::Start(_) | Record::TokenUsage(_) | Record::Owner(_) | Record::End(_) => 0,
    });
    bytes.sum()
}

/// The interception that a record belongs to; `None` for the owner of an object.
pub fn interception_of(record: &Record) -> Option<Uuid> {
    match record {
        Record::Start(row) => Some(row.id),
        Record::Prompt(row) => Some(row.interception_id),
        Record::TokenUsage(row) => Some(row.interception_id),
        Record::ToolUsage(row) => Some(row.interception_id),
        Record::Reasoning(row) => Some(row.interception_id),
        Record::End(row) => Some(row.interception_id),
        Record::Owner(_) => None,
    }
}
