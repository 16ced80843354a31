//! Prints the stored records of the demo as tables.

use aibridge_testkit::{Row, Store, wait_until};
use anyhow::Result;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;
use std::io::Write;

/// The width of the tables in characters: that of a common terminal.
const WIDTH: u16 = 118;

/// A table of the store, as the demo prints it.
struct Section {
    title: &'static str,
    table: &'static str,
    /// The column with the id of the interception of a row.
    interception: &'static str,
    /// The headings and columns to print.
    columns: &'static [(&'static str, &'static str)],
}

const SECTIONS: [Section; 5] = [
    Section {
        title: "Interceptions: actor, client, model, key and outcome of each request",
        table: "aibridge_interceptions",
        interception: "id",
        columns: &[
            ("initiator", "initiator_id"),
            ("client", "client"),
            ("model", "model"),
            ("route", "route"),
            ("stream", "streaming"),
            ("key", "credential_kind"),
            ("hint", "credential_hint"),
            ("outcome", "outcome"),
        ],
    },
    Section {
        title: "User prompts: stored before the request is sent to the provider",
        table: "aibridge_user_prompts",
        interception: "interception_id",
        columns: &[("prompt", "prompt")],
    },
    Section {
        title: "Token usage: cached input is counted separately",
        table: "aibridge_token_usages",
        interception: "interception_id",
        columns: &[
            ("input", "input_tokens"),
            ("cached input", "cache_read_input_tokens"),
            ("output", "output_tokens"),
            ("other counts", "extra_token_types"),
        ],
    },
    Section {
        title: "Tool calls: the tools that the model selected, with their arguments",
        table: "aibridge_tool_usages",
        interception: "interception_id",
        columns: &[("tool", "tool"), ("provider's id", "provider_tool_call_id"), ("input", "input")],
    },
    Section {
        title: "Reasoning: the reasoning summaries in the responses",
        table: "aibridge_model_thoughts",
        interception: "interception_id",
        columns: &[("source", "metadata"), ("text", "content")],
    },
];

/// Waits until `expected` interceptions have ended, and prints all their records.
pub(crate) async fn print(out: &mut dyn Write, store: &Store, expected: usize) -> Result<()> {
    let interceptions = || store.rows("aibridge_interceptions");
    let ended = || interceptions().iter().filter(|row| !row["ended_at"].is_null()).count();
    wait_until(|| ended() == expected, "the interceptions to end").await;

    writeln!(out, "\nThe records in the SQLite file of the gateway (# is the number of the request above):")?;
    let ids: Vec<Value> = interceptions().into_iter().map(|row| row["id"].clone()).collect();
    for section in SECTIONS {
        let rows = store.rows(section.table);
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_width(WIDTH);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(["#"].into_iter().chain(section.columns.iter().map(|(heading, _)| *heading)));
        table.add_rows(rows.iter().map(|row| {
            let number =
                ids.iter().position(|id| *id == row[section.interception]).map_or(0, |index| index + 1);
            let cells = section.columns.iter().map(|(_, column)| cell(row, column));
            [number.to_string()].into_iter().chain(cells).collect::<Vec<_>>()
        }));
        writeln!(out, "\n{}\n{table}", section.title)?;
    }
    Ok(())
}

fn cell(row: &Row, column: &str) -> String {
    match column {
        "streaming" => if row[column] == 1 { "yes" } else { "no" }.to_owned(),
        "outcome" => format!("{} {}", text(&row["upstream_status"]), text(&row[column])),
        "extra_token_types" => counts(&object(&row[column])),
        "metadata" => text(&object(&row[column])["source"]),
        _ => text(&row[column]),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Parses the JSON object that a column holds as text.
fn object(value: &Value) -> Value {
    value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// Formats the counts that are not zero.
fn counts(object: &Value) -> String {
    let counted = object.as_object().into_iter().flatten().filter(|(_, count)| **count != 0);
    counted.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}
