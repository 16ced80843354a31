//! The recorded rows of an interception, in a form that can be compared.

use aibridge_testkit::{Row, Store};
use serde_json::{Value, json};

/// All rows of an interception, without ids and times, which differ from run to run.
pub(super) fn comparable_rows(store: &Store, id: &str) -> Value {
    let rows = |table: &str| store.rows_of(table, id).into_iter().map(comparable).collect::<Vec<_>>();
    let interception = store.interception(id).unwrap();
    assert!(interception["ended_at"].is_string(), "{interception:?}");
    json!({
        "interception": comparable(interception),
        "prompts": rows("aibridge_user_prompts"),
        "token_usages": rows("aibridge_token_usages"),
        "tool_usages": rows("aibridge_tool_usages"),
        "thoughts": rows("aibridge_model_thoughts"),
    })
}

fn comparable(row: Row) -> Value {
    let varies = |name: &str| matches!(name, "id" | "interception_id") || name.ends_with("_at");
    let columns = row.into_iter().filter(|(name, value)| !varies(name) && !value.is_null());
    columns
        .map(|(name, value)| match name.as_str() {
            "metadata" | "extra_token_types" => {
                (name, serde_json::from_str(value.as_str().unwrap()).unwrap())
            }
            _ => (name, value),
        })
        .collect()
}
