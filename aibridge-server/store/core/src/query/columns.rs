//! The select lists for interceptions and the rows that belong to them, generated from the described tables.

use crate::tables::{Column, INTERCEPTIONS, Kind, Table};

/// Maximum length in characters of a client-chosen text in a list.
const LISTED_CHARS: usize = 512;

/// The SQL that returns a JSON column as text, given the column.
pub type JsonAsText = fn(&str) -> String;

/// The select list for whole rows of `aibridge_interceptions i`.
pub fn full_columns(json: JsonAsText) -> String {
    select(&INTERCEPTIONS, "i.", json, |name, _| name.to_owned())
}

/// The select list for lists of `aibridge_interceptions i`: client-chosen texts are cut at `LISTED_CHARS` characters
/// and end in `…`.
pub fn list_columns(json: JsonAsText) -> String {
    let n = LISTED_CHARS;
    select(&INTERCEPTIONS, "i.", json, |name, column| match column.is_cut_in_lists {
        true => format!("CASE WHEN length({name}) > {n} THEN substr({name}, 1, {n}) || '…' ELSE {name} END"),
        false => name.to_owned(),
    })
}

/// The select list for rows of `table`, which belong to an interception.
pub fn child_columns(table: &'static Table, json: JsonAsText) -> String {
    select(table, "", json, |name, _| name.to_owned())
}

/// Selects each column under its own name, so that rows are read by name.
fn select(
    table: &'static Table,
    prefix: &str,
    json: JsonAsText,
    text: impl Fn(&str, &Column) -> String,
) -> String {
    let columns = table.returned().map(|column| {
        let name = format!("{prefix}{}", column.name);
        let sql = match (column.kind, column.is_nullable) {
            (Kind::Json, true) => format!("coalesce({}, '{{}}')", json(&name)),
            (Kind::Json, false) => json(&name),
            _ => text(&name, column),
        };
        format!("{sql} AS {}", column.name)
    });
    columns.collect::<Vec<_>>().join(", ")
}
