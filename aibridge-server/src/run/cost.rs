//! The line with the cost of a run, from the records.

use aibridge_cli::launch::Agent;
use aibridge_prices::NanoUsd;
use aibridge_store::{Filter, Records, StoreError, StoreOptions, Totals, TotalsQuery};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The longest wait for the records of the last responses, and the interval at which they are read.
const SETTLE_TIME: Duration = Duration::from_secs(2);
const READ_EVERY: Duration = Duration::from_millis(200);

/// Describes the requests of `agent` since `started_at`.
pub(super) async fn line(store: StoreOptions, agent: Agent, started_at: Timestamp) -> String {
    let until = Instant::now() + SETTLE_TIME;
    loop {
        let (store, now) = (store.clone(), Instant::now());
        let read = tokio::task::spawn_blocking(move || totals(store, agent, started_at)).await;
        match read {
            Ok(Ok(totals)) if totals.ended < totals.requests && now < until => sleep(READ_EVERY).await,
            Ok(Ok(totals)) => return describe(&totals),
            Ok(Err(error)) => return format!("aibridge: the cost is unknown: {error}"),
            Err(_) => return "aibridge: the cost is unknown".to_owned(),
        }
    }
}

fn totals(store: StoreOptions, agent: Agent, started_at: Timestamp) -> Result<Totals, StoreError> {
    let since = Timestamp::from_millisecond(started_at.as_millisecond()).unwrap_or(started_at);
    let client = agent.client().map(str::to_owned);
    let filter = Filter { since: Some(since), client, ..Filter::default() };
    let query = TotalsQuery { filter, by: Vec::new(), interval: None, zone: TimeZone::UTC };
    let rows = Records::open(store)?.totals(&query, |_, _| Ok::<_, StoreError>(()))?;
    Ok(rows.into_iter().next().map(|row| row.totals).unwrap_or_default())
}

fn describe(totals: &Totals) -> String {
    let Totals { requests, failed, tokens, unpriced, .. } = totals;
    if *requests == 0 {
        return "aibridge: no request was recorded".to_owned();
    }
    let plural = if *requests == 1 { "" } else { "s" };
    let failed = if *failed > 0 { format!(" ({failed} failed)") } else { String::new() };
    let cached = tokens.cache_read_input_tokens;
    let input = tokens.input_tokens + cached + tokens.cache_write_input_tokens;
    let cost = match tokens.cost_nano_usd {
        Some(cost) if *unpriced > 0 => {
            format!(", {} and {unpriced} without a price", NanoUsd::new(cost).to_short())
        }
        Some(cost) => format!(", {}", NanoUsd::new(cost).to_short()),
        None => String::new(),
    };
    format!(
        "aibridge: {requests} request{plural}{failed}, {input} input tokens ({cached} cached), {} output tokens{cost}",
        tokens.output_tokens
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_store::TokenSums;

    #[test]
    fn the_line_shows_dollars_where_there_is_a_price() {
        let tokens = TokenSums {
            input_tokens: 100,
            output_tokens: 7,
            cache_read_input_tokens: 50,
            cache_write_input_tokens: 1,
            cost_nano_usd: None,
        };
        let totals = Totals { requests: 2, failed: 1, tokens, unpriced: 2, ..Totals::default() };
        let costing = |cost, unpriced| Totals {
            tokens: TokenSums { cost_nano_usd: Some(cost), ..tokens },
            unpriced,
            ..totals.clone()
        };
        let text = "aibridge: 2 requests (1 failed), 151 input tokens (50 cached), 7 output tokens";
        assert_eq!(describe(&totals), text);
        assert_eq!(describe(&costing(1_234_567_890, 0)), format!("{text}, $1.23"));
        assert_eq!(describe(&costing(1_200, 1)), format!("{text}, $0.0000012 and 1 without a price"));
        assert_eq!(describe(&Totals::default()), "aibridge: no request was recorded");
    }
}
