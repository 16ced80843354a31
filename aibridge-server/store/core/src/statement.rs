//! The parts of the writing SQL that both databases share.

use crate::tables::{INTERCEPTIONS, Table, USER_PROMPTS};

/// The statement that inserts the rows of `source` (`VALUES …` or `SELECT …`, all columns in the order of the table,
/// and `extra` ones). An existing row stays unchanged, except that a missing end of an interception is filled in. The
/// first end counts, but a late one replaces the end `gateway_crash`, which another instance only presumed.
pub fn insert(table: &Table, extra: &[&str], source: &str) -> String {
    let names: Vec<&str> =
        table.columns.iter().map(|column| column.name).chain(extra.iter().copied()).collect();
    let (name, columns, key) = (table.name, names.join(", "), table.key.join(", "));
    let conflict = if table == &INTERCEPTIONS {
        let filled = filled_later(table);
        format!(
            "({key}) DO UPDATE SET {filled}, credential_hint = excluded.credential_hint \
             WHERE excluded.ended_at IS NOT NULL AND (t.ended_at IS NULL OR t.error_type = 'gateway_crash')"
        )
    } else if table == &USER_PROMPTS {
        format!(
            "({key}) DO UPDATE SET {} WHERE excluded.provider_response_id IS NOT NULL",
            filled_later(table)
        )
    } else {
        "DO NOTHING".to_owned()
    };
    format!("INSERT INTO {name} AS t ({columns}) {source} ON CONFLICT {conflict}")
}

fn filled_later(table: &Table) -> String {
    let filled = table.columns.iter().filter(|column| column.is_filled_later);
    let set: Vec<String> = filled.map(|column| format!("{0} = excluded.{0}", column.name)).collect();
    set.join(", ")
}
