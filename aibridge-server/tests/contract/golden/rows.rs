//! The recorded rows of an interception, in a form that can be compared.

use aibridge_testkit::{Row, Store};
use serde_json::{Value, json};

/// All rows of an interception, without ids and times, which differ from run to run, and without costs.
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

/// The columns of `aibridge_token_usages` that a price table decides; the tests of costs check them.
const PRICED: [&str; 3] = ["cost_nano_usd", "cost_status", "price_id"];

fn comparable(row: Row) -> Value {
    let varies = |name: &str| matches!(name, "id" | "interception_id") || name.ends_with("_at");
    let is_left_out = |name: &str| varies(name) || PRICED.contains(&name);
    let columns = row.into_iter().filter(|(name, value)| !is_left_out(name) && !value.is_null());
    columns
        .map(|(name, value)| match name.as_str() {
            "metadata" | "extra_token_types" => {
                (name, serde_json::from_str(value.as_str().unwrap()).unwrap())
            }
            _ => (name, value),
        })
        .collect()
}
