//! Text tables of interceptions, usage and sessions.

use crate::text_table::table;
use aibridge_prices::NanoUsd;
use aibridge_store::{SessionRow, Summary, Sums, TokenSums, UsageKey, UsageRow};

pub(super) fn interceptions(rows: &[Summary]) -> String {
    let names = [
        "ID", "STARTED", "USER", "CLIENT", "PROVIDER", "MODEL", "OUTCOME", "STATUS", "INPUT", "CACHED",
        "OUTPUT", "COST",
    ];
    table(
        &names,
        rows.iter().map(|Summary { interception: row, tokens }| {
            let outcome = row.error_type.as_deref().unwrap_or_else(|| row.outcome_or_open());
            vec![
                row.id.to_string(),
                format!("{:.0}", row.started_at),
                row.initiator_id.clone(),
                row.client.clone(),
                row.provider_name.clone(),
                row.model.clone(),
                outcome.to_owned(),
                row.upstream_status.map_or("-".to_owned(), |status| status.to_string()),
                tokens.input_tokens.to_string(),
                tokens.cache_read_input_tokens.to_string(),
                tokens.output_tokens.to_string(),
                money(tokens.cost_nano_usd),
            ]
        }),
    )
}

pub(super) fn usage(by: &[UsageKey], rows: &[UsageRow]) -> String {
    let keys: Vec<&str> = match rows.first() {
        Some(row) => by.iter().map(|key| key.as_str()).filter(|key| row.key.contains_key(key)).collect(),
        None => by.iter().map(|key| key.as_str()).collect(),
    };
    let names: Vec<String> = keys.iter().map(|key| key.to_uppercase()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).chain(SUMS).collect();
    let key = |row: &UsageRow, name: &str| row.key.get(name).cloned().unwrap_or_default();
    table(
        &names,
        rows.iter().map(|row| keys.iter().map(|name| key(row, name)).chain(sums(&row.sums)).collect()),
    )
}

pub(super) fn sessions(rows: &[SessionRow]) -> String {
    let names: Vec<&str> = ["SESSION", "USER", "CLIENT", "FIRST", "LATEST"].into_iter().chain(SUMS).collect();
    table(
        &names,
        rows.iter().map(|row| {
            let times = [row.first_at, row.last_at].map(|at| format!("{at:.0}"));
            let texts = [&row.session, &row.user, &row.client].map(Clone::clone);
            texts.into_iter().chain(times).chain(sums(&row.sums)).collect()
        }),
    )
}

const SUMS: [&str; 7] = ["REQUESTS", "FAILED", "INPUT", "CACHED", "WRITTEN", "OUTPUT", "COST"];

fn sums(sums: &Sums) -> [String; 7] {
    let Sums { requests, failed, tokens } = sums;
    let TokenSums {
        input_tokens,
        output_tokens,
        cache_read_input_tokens,
        cache_write_input_tokens,
        cost_nano_usd,
    } = tokens;
    [
        requests.to_string(),
        failed.to_string(),
        input_tokens.to_string(),
        cache_read_input_tokens.to_string(),
        cache_write_input_tokens.to_string(),
        output_tokens.to_string(),
        money(*cost_nano_usd),
    ]
}

/// An amount in dollars in its short form; `-` without a price.
pub(super) fn money(nano_usd: Option<i64>) -> String {
    nano_usd.map_or("-".to_owned(), |nano| NanoUsd::new(nano).to_short())
}
