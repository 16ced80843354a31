//! Prints the cost of usages: reads and writes one JSON object for each line.
//!
//! ```text
//! $ echo '{"provider":"openai","model":"gpt-4.1","usage":{"input":1200,"cache_read":800,"output":300}}' |
//!     cargo run -q -p aibridge-prices --example cost
//! {"cost_nano_usd":5200000,"cost_usd":0.0052,"cost_status":"priced","price_id":"genai-prices-0.2.1:openai/gpt-4.1"}
//! ```
//!
//! Further members of a line are `response_model`, `service_tier` and `at`, the time of the request: `2026-11-01T00:00:00Z`;
//! without it, now. The counts of `usage` are those of [`BilledUsage`]. An argument names a price file, whose rows go before the
//! bundled prices.

use aibridge_prices::{BilledUsage, NanoUsd, Overrides, PriceQuery, PriceTable};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::error::Error;
use std::io::{BufRead, BufWriter, Write, stdin, stdout};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsageRow {
    provider: String,
    model: String,
    response_model: Option<String>,
    service_tier: Option<String>,
    at: Option<String>,
    usage: Counts,
}

/// The counts of a usage; a missing one is zero.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Counts {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write_5m: u64,
    cache_write_1h: u64,
    audio_input: u64,
    audio_output: u64,
    web_searches: u64,
    file_searches: u64,
    requests: u64,
}

#[derive(Serialize)]
struct CostRow {
    cost_nano_usd: Option<i64>,
    cost_usd: Option<Box<RawValue>>,
    cost_status: &'static str,
    price_id: Option<String>,
}

impl From<Counts> for BilledUsage {
    fn from(counts: Counts) -> Self {
        let Counts { input, output, cache_read, cache_write_5m, cache_write_1h, .. } = counts;
        let Counts { audio_input, audio_output, web_searches, file_searches, requests, .. } = counts;
        Self {
            input,
            output,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            audio_input,
            audio_output,
            web_searches,
            file_searches,
            requests,
        }
    }
}

fn cost_of(table: &PriceTable, line: &str) -> Result<CostRow, Box<dyn Error>> {
    let row: UsageRow = serde_json::from_str(line)?;
    let at = row.at.map_or_else(|| Ok(Timestamp::now()), |at| at.parse())?;
    let query = PriceQuery {
        response_model: row.response_model.as_deref(),
        service_tier: row.service_tier.as_deref(),
        ..PriceQuery::new(&row.provider, &row.model, at)
    };
    let price = table.find(&query);
    let cost = price.as_ref().and_then(|price| price.cost(&row.usage.into()));
    let amount = cost.map(|cost| cost.amount);
    Ok(CostRow {
        cost_nano_usd: amount.map(NanoUsd::get),
        cost_usd: amount.map(|amount| RawValue::from_string(amount.to_decimal())).transpose()?,
        cost_status: cost.map_or("unpriced", |cost| cost.status.as_str()),
        price_id: cost.and(price).map(|price| price.id().to_owned()),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let table = match std::env::args_os().nth(1) {
        Some(file) => PriceTable::with_overrides(Overrides::parse(&std::fs::read_to_string(file)?)?),
        None => PriceTable::built_in().clone(),
    };
    let mut out = BufWriter::new(stdout().lock());
    for line in stdin().lock().lines() {
        serde_json::to_writer(&mut out, &cost_of(&table, &line?)?)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
