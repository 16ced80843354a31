//! Rows as JSON, the form in which statements read them.

use aibridge_recorder::{ErrorType, InterceptionEnd};
use aibridge_store_core::storable;
use aibridge_store_core::tables::{Row, Table, Value};
use serde_json::json;
use std::fmt::Write;
use uuid::Uuid;

/// A JSON array of rows of one table. Empty if there are none.
pub(super) struct JsonRows {
    table: &'static Table,
    text: String,
}

impl JsonRows {
    pub(super) fn new(table: &'static Table) -> Self {
        Self { table, text: String::new() }
    }

    /// Appends a row, and ids in columns that are not described.
    pub(super) fn push(&mut self, row: &Row<'_>, extra: &[(&str, Uuid)]) {
        let text = &mut self.text;
        text.push(if text.is_empty() { '[' } else { ',' });
        text.push('{');
        for (column, value) in self.table.columns.iter().zip(row) {
            push_name(text, column.name);
            push_value(text, value);
        }
        for (name, id) in extra {
            push_name(text, name);
            push_value(text, &Value::Id(*id));
        }
        text.push('}');
    }

    /// Appends rows, and returns the array.
    pub(super) fn with<'a>(mut self, rows: impl Iterator<Item = Row<'a>>) -> String {
        rows.for_each(|row| self.push(&row, &[]));
        self.finish()
    }

    /// Closes the array, and returns its text.
    pub(super) fn finish(mut self) -> String {
        if !self.text.is_empty() {
            self.text.push(']');
        }
        self.text
    }

    /// The ends of interceptions as an array.
    pub(super) fn ends(ends: &[InterceptionEnd]) -> String {
        let optional = |text: &Option<String>| text.as_deref().map(|text| storable(text).into_owned());
        let row = |end: &InterceptionEnd| {
            json!({
                "id": end.interception_id.to_string(),
                "outcome": end.outcome.as_str(),
                "error_type": end.outcome.error_type().map(ErrorType::as_str),
                "upstream_status": end.upstream_status,
                "ended_at": format!("{:.3}", end.ended_at),
                "credential_hint": optional(&end.credential_hint),
                "provider_response_id": optional(&end.provider_response_id),
            })
        };
        serde_json::Value::Array(ends.iter().map(row).collect()).to_string()
    }
}

fn push_name(text: &mut String, name: &str) {
    if !text.ends_with('{') {
        text.push(',');
    }
    text.push('"');
    text.push_str(name);
    text.push_str("\":");
}

fn push_value(text: &mut String, value: &Value<'_>) {
    // Writing to a string does not fail.
    let _ = match value {
        Value::Null => text.write_str("null"),
        Value::Id(id) => write!(text, "\"{id}\""),
        Value::Text(value) => text.write_str(&serde_json::to_string(&**value).unwrap_or_default()),
        Value::Number(number) => write!(text, "{number}"),
        Value::Boolean(boolean) => write!(text, "{boolean}"),
        Value::Json(json) => text.write_str(json),
        Value::Time(time) => write!(text, "\"{time:.3}\""),
    };
}
