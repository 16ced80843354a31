//! Reads the rows of the database, for the checker.

use super::database::Database;
use aibridge_chaos_checker::{PROMPT_START, Plan, Record, Records};
use aibridge_testkit::Row;
use serde_json::Value;
use std::collections::BTreeMap;

/// Reads all rows of the database, grouped by interception.
pub(super) async fn read(database: &Database) -> Records {
    let mut records = Records::default();
    let mut by_id = BTreeMap::new();
    let all = "SELECT id, user_agent, outcome, error_type FROM aibridge_interceptions ORDER BY id";
    for row in database.query(all).await {
        let record = Record {
            id: text(&row, "id"),
            number: Plan::number_of_agent(&text(&row, "user_agent")),
            outcome: row["outcome"].as_str().map(str::to_owned),
            error_type: row["error_type"].as_str().map(str::to_owned),
            ..Record::default()
        };
        by_id.insert(record.id.clone(), record);
    }
    let tables = [
        format!(
            "SELECT interception_id, substr(prompt, 1, {PROMPT_START}) AS prompt, length(prompt) AS bytes \
             FROM aibridge_user_prompts"
        ),
        "SELECT interception_id, input_tokens, cache_read_input_tokens, output_tokens FROM aibridge_token_usages".into(),
        "SELECT interception_id, provider_tool_call_id, tool, input FROM aibridge_tool_usages".into(),
        "SELECT interception_id FROM aibridge_model_thoughts".into(),
    ];
    let add: [fn(&mut Record, &Row); 4] = [add_prompt, add_usage, add_tool, |record, _| record.thoughts += 1];
    records.rows = by_id.len();
    for (sql, add) in tables.iter().zip(add) {
        for row in database.query(sql).await {
            records.rows += 1;
            match by_id.get_mut(&text(&row, "interception_id")) {
                Some(record) => add(record, &row),
                None => records.strays += 1,
            }
        }
    }
    records.interceptions = by_id.into_values().collect();
    records
}

fn add_prompt(record: &mut Record, row: &Row) {
    record.prompts.push((text(row, "prompt"), count(row, "bytes")));
}

fn add_usage(record: &mut Record, row: &Row) {
    let names = ["input_tokens", "cache_read_input_tokens", "output_tokens"];
    record.usages.push(names.map(|name| count(row, name)));
}

fn add_tool(record: &mut Record, row: &Row) {
    // JSON is text in SQLite.
    let input = match &row["input"] {
        Value::String(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        input => input.clone(),
    };
    record.tools.push((text(row, "provider_tool_call_id"), text(row, "tool"), input));
}

fn text(row: &Row, column: &str) -> String {
    row[column].as_str().unwrap_or_default().to_owned()
}

fn count(row: &Row, column: &str) -> u64 {
    row[column].as_u64().unwrap_or_default()
}
