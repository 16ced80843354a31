use aibridge_testkit::{Row, Store, wait_until};
use anyhow::Result;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;
use std::io::Write;

/// As wide as a terminal may be expected to be.
const WIDTH: u16 = 118;

const INTERCEPTIONS: &str = "SELECT * FROM aibridge_interceptions ORDER BY id";

/// Waits until `expected` interceptions have ended, and prints all that is on record about them.
pub(super) async fn print(out: &mut dyn Write, store: &Store, expected: usize) -> Result<()> {
    let ended =
        || store.query(&format!("SELECT id FROM ({INTERCEPTIONS}) WHERE ended_at IS NOT NULL"), &[]).len();
    wait_until(|| ended() == expected, "the interceptions to end").await;
    let ids: Vec<Value> = store.query(INTERCEPTIONS, &[]).into_iter().map(|row| row["id"].clone()).collect();
    let number = |row: &Row, member: &str| {
        let place = ids.iter().position(|id| *id == row[member]);
        place.map_or_else(|| "?".to_owned(), |place| (place + 1).to_string())
    };

    writeln!(out, "\nWhat the gateway has on record now, in its SQLite file:")?;
    section(
        out,
        "Interceptions: who asked which model, on whose key, and how it ended",
        &["#", "initiator", "client", "model", "route", "streamed", "key", "hint", "status", "outcome"],
        store.query(INTERCEPTIONS, &[]).iter().map(|row| {
            let streamed = if row["streaming"] == 1 { "yes" } else { "no" }.to_owned();
            let [who, client, model, route] = cells(row, ["initiator_id", "client", "model", "route"]);
            let [key, hint, status, outcome] =
                cells(row, ["credential_kind", "credential_hint", "upstream_status", "outcome"]);
            vec![number(row, "id"), who, client, model, route, streamed, key, hint, status, outcome]
        }),
    )?;
    section(
        out,
        "User prompts: what was asked, stored before the provider heard of it",
        &["#", "prompt"],
        store.rows("aibridge_user_prompts").iter().map(|row| {
            let [prompt] = cells(row, ["prompt"]);
            vec![number(row, "interception_id"), prompt]
        }),
    )?;
    section(
        out,
        "Token usage: what it cost, cached input counted apart",
        &["#", "input", "cached input", "output", "further counts"],
        store.rows("aibridge_token_usages").iter().map(|row| {
            let [input, cached, output, further] =
                cells(row, ["input_tokens", "cache_read_input_tokens", "output_tokens", "extra_token_types"]);
            vec![number(row, "interception_id"), input, cached, output, further]
        }),
    )?;
    section(
        out,
        "Tool calls: what the model wanted done, and with which arguments",
        &["#", "tool", "provider's id", "input"],
        store.rows("aibridge_tool_usages").iter().map(|row| {
            let [tool, id, input] = cells(row, ["tool", "provider_tool_call_id", "input"]);
            vec![number(row, "interception_id"), tool, id, input]
        }),
    )?;
    section(
        out,
        "Thoughts: what the model told of its reasoning",
        &["#", "source", "thought"],
        store.rows("aibridge_model_thoughts").iter().map(|row| {
            let [metadata, thought] = cells(row, ["metadata", "content"]);
            let source = serde_json::from_str::<Value>(&metadata).map(|metadata| cell(&metadata["source"]));
            vec![number(row, "interception_id"), source.unwrap_or(metadata), thought]
        }),
    )
}

fn section(
    out: &mut dyn Write,
    title: &str,
    header: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> Result<()> {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_width(WIDTH);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_header(header).add_rows(rows);
    Ok(writeln!(out, "\n{title}\n{table}")?)
}

fn cells<const N: usize>(row: &Row, columns: [&str; N]) -> [String; N] {
    columns.map(|column| cell(&row[column]))
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
