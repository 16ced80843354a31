//! The select list for interceptions, in the order in which both databases read their rows.

/// Maximum length in characters of a client-chosen text in a list.
const LISTED_CHARS: usize = 512;

/// Each column, and whether its text may be long.
const COLUMNS: [(&str, bool); 19] = [
    ("id", false),
    ("initiator_id", true),
    ("provider", false),
    ("provider_name", false),
    ("model", true),
    ("route", false),
    ("streaming", false),
    ("client", true),
    ("client_session_id", true),
    ("user_agent", true),
    ("credential_kind", false),
    ("credential_hint", false),
    ("correlating_tool_call_id", true),
    ("metadata", false),
    ("started_at", false),
    ("ended_at", false),
    ("outcome", false),
    ("error_type", false),
    ("upstream_status", false),
];

/// The select list for whole rows of `aibridge_interceptions i`. `metadata` is the SQL that returns this column as
/// text.
pub(crate) fn full_columns(metadata: &str) -> String {
    select(metadata, |name, _| format!("i.{name}"))
}

/// The select list for lists: client-chosen texts are cut at [`LISTED_CHARS`] characters and end in `…`.
pub(crate) fn list_columns(metadata: &str) -> String {
    let n = LISTED_CHARS;
    select(metadata, |name, may_be_long| match may_be_long {
        true => {
            format!("CASE WHEN length(i.{name}) > {n} THEN substr(i.{name}, 1, {n}) || '…' ELSE i.{name} END")
        }
        false => format!("i.{name}"),
    })
}

fn select(metadata: &str, column: impl Fn(&str, bool) -> String) -> String {
    let columns = COLUMNS.map(|(name, may_be_long)| match name {
        "metadata" => metadata.to_owned(),
        _ => column(name, may_be_long),
    });
    columns.join(", ")
}
