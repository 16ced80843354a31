//! The sums of the interceptions of some quarter-hours, which both databases keep in `aibridge_totals` and
//! `aibridge_totals_tools`.

use super::Dialect;

/// The length in seconds of the periods of stored sums. The clocks of all time zones differ by multiples of it.
pub const PERIOD_SECONDS: i64 = 900;

/// The names of the tables, triggers and functions. If one is missing, the stored sums do not hold.
pub const ROLLUP_TRIGGERS: [&str; 4] = [
    "aibridge_totals_inserted",
    "aibridge_totals_updated",
    "aibridge_totals_deleted",
    "aibridge_totals_repriced",
];

/// The columns of the interceptions by which sums are kept, except for the last one.
const KEY: &str = "i.initiator_id, i.model, i.provider_name, i.client, coalesce(i.outcome, 'open')";

/// The largest sum that is kept exactly. Providers may report any numbers.
const MAX_SUM: &str = "9000000000000000000.0";

/// The number and the durations of the interceptions `i` that match `conditions`, by period and key.
pub fn period_requests(dialect: Dialect, conditions: &str) -> String {
    let duration = integer(dialect, &dialect.sum_millis("i.started_at", "i.ended_at"));
    grouped(
        dialect,
        "coalesce(i.error_type, '')",
        &format!("count(*), count(i.ended_at), {duration}"),
        "aibridge_interceptions i",
        conditions,
    )
}

/// The sums of the token usages of the interceptions `i` that match `conditions`, by period and key.
pub fn period_usages(dialect: Dialect, conditions: &str) -> String {
    let sums = ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_write_input_tokens"];
    let sums = sums.map(|column| integer(dialect, &dialect.total(&format!("u.{column}")))).join(", ");
    grouped(
        dialect,
        "coalesce(i.error_type, '')",
        &format!("{sums}, {}, {}", dialect.cost_sum(), dialect.unpriced_count()),
        "aibridge_interceptions i JOIN aibridge_token_usages u ON u.interception_id = i.id",
        conditions,
    )
}

/// The calls of each tool in the interceptions `i` that match `conditions`, by period and key.
pub fn period_tools(dialect: Dialect, conditions: &str) -> String {
    grouped(
        dialect,
        "substr(t.tool, 1, 200)",
        "count(*), count(t.invocation_error)",
        "aibridge_interceptions i JOIN aibridge_tool_usages t ON t.interception_id = i.id",
        conditions,
    )
}

fn grouped(dialect: Dialect, last_key: &str, sums: &str, from: &str, conditions: &str) -> String {
    let period = format!("{} / {PERIOD_SECONDS}", dialect.epoch("i.started_at"));
    format!(
        "SELECT {period}, {KEY}, {last_key}, {sums} FROM {from} WHERE {conditions} GROUP BY 1, 2, 3, 4, 5, 6, 7"
    )
}

/// A sum that is a floating point number as an integer.
fn integer(dialect: Dialect, sum: &str) -> String {
    let least = match dialect {
        Dialect::Sqlite => "min",
        Dialect::Postgres => "least",
    };
    format!("CAST({least}({sum}, {MAX_SUM}) AS bigint)")
}
