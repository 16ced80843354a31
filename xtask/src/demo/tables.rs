use aibridge_testkit::{Row, Store, wait_until};
use anyhow::Result;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;
use std::io::Write;

/// As wide as a terminal may be expected to be.
const WIDTH: u16 = 118;

/// A table of the store as it is shown.
struct Section {
    title: &'static str,
    table: &'static str,
    /// The column that says which interception a row belongs to.
    interception: &'static str,
    /// What is shown: headings and columns.
    shown: &'static [(&'static str, &'static str)],
}

const SECTIONS: [Section; 5] = [
    Section {
        title: "Interceptions: who asked which model, on whose key, and how it ended",
        table: "aibridge_interceptions",
        interception: "id",
        shown: &[
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
        title: "User prompts: what was asked, stored before the provider heard of it",
        table: "aibridge_user_prompts",
        interception: "interception_id",
        shown: &[("prompt", "prompt")],
    },
    Section {
        title: "Token usage: what it cost, cached input counted apart",
        table: "aibridge_token_usages",
        interception: "interception_id",
        shown: &[
            ("input", "input_tokens"),
            ("cached input", "cache_read_input_tokens"),
            ("output", "output_tokens"),
            ("further counts", "extra_token_types"),
        ],
    },
    Section {
        title: "Tool calls: what the model wanted done, and with which arguments",
        table: "aibridge_tool_usages",
        interception: "interception_id",
        shown: &[("tool", "tool"), ("provider's id", "provider_tool_call_id"), ("input", "input")],
    },
    Section {
        title: "Thoughts: what the model told of its reasoning",
        table: "aibridge_model_thoughts",
        interception: "interception_id",
        shown: &[("source", "metadata"), ("thought", "content")],
    },
];

/// Waits until `expected` interceptions have ended, and prints all that is on record about them.
pub(super) async fn print(out: &mut dyn Write, store: &Store, expected: usize) -> Result<()> {
    let interceptions = || store.rows("aibridge_interceptions");
    let ended = || interceptions().iter().filter(|row| !row["ended_at"].is_null()).count();
    wait_until(|| ended() == expected, "the interceptions to end").await;

    writeln!(out, "\nWhat the gateway has on record now, in its SQLite file (# is the request above):")?;
    let ids: Vec<Value> = interceptions().into_iter().map(|row| row["id"].clone()).collect();
    for section in SECTIONS {
        let rows = store.rows(section.table);
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED).set_width(WIDTH);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(["#"].into_iter().chain(section.shown.iter().map(|(heading, _)| *heading)));
        table.add_rows(rows.iter().map(|row| {
            let number =
                ids.iter().position(|id| *id == row[section.interception]).map_or(0, |place| place + 1);
            let cells = section.shown.iter().map(|(_, column)| cell(row, column));
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

/// The JSON object that a column holds as text.
fn object(value: &Value) -> Value {
    value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// The counts that are not zero.
fn counts(object: &Value) -> String {
    let counted = object.as_object().into_iter().flatten().filter(|(_, count)| **count != 0);
    counted.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}
