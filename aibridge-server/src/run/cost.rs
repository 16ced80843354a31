//! The line with the cost of a run, from the records.

use aibridge_cli::launch::Agent;
use aibridge_intercept::client::RUN_ATTRIBUTE;
use aibridge_prices::NanoUsd;
use aibridge_store::{Filter, Order, Records, StoreError, StoreOptions, Summary, Totals};
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// Time until the database has the records of a gateway that goes on running.
pub(super) const READ_DELAY: Duration = Duration::from_millis(100);

/// The longest wait for the records of the last responses, and the interval at which they are read.
const SETTLE_TIME: Duration = Duration::from_secs(2);
const READ_EVERY: Duration = Duration::from_millis(200);

/// A run of an agent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub(super) agent: Agent,
    /// The id that the agent sends with its requests, if it can be configured to.
    pub(super) id: Uuid,
    pub(super) started_at: Timestamp,
}

/// Describes the requests of `run`.
pub(super) async fn line(store: StoreOptions, run: Run) -> String {
    let until = Instant::now() + SETTLE_TIME;
    loop {
        let (store, now) = (store.clone(), Instant::now());
        let read = tokio::task::spawn_blocking(move || totals(store, run)).await;
        match read {
            Ok(Ok(totals)) if totals.ended < totals.requests && now < until => sleep(READ_EVERY).await,
            Ok(Ok(totals)) => return describe(&totals),
            Ok(Err(error)) => return format!("aibridge: the cost is unknown: {error}"),
            Err(_) => return "aibridge: the cost is unknown".to_owned(),
        }
    }
}

/// Adds up the requests with the id of the run. If there are none, the agent has not sent the id: then those of the same
/// client program without an id count.
fn totals(store: StoreOptions, run: Run) -> Result<Totals, StoreError> {
    let since = Timestamp::from_millisecond(run.started_at.as_millisecond()).unwrap_or(run.started_at);
    let client = run.agent.client().map(str::to_owned);
    let filter = Filter { since: Some(since), client, ..Filter::default() };
    let own_id = run.id.to_string();
    let (mut with_id, mut without_id) = (Totals::default(), Totals::default());
    Records::open(store)?.summaries(&filter, Order::OldestFirst, |summary| {
        match summary.interception.attribute(RUN_ATTRIBUTE) {
            Some(id) if id == own_id => with_id.add(&totals_of(&summary)),
            Some(_) => {}
            None => without_id.add(&totals_of(&summary)),
        }
        Ok::<_, StoreError>(true)
    })?;
    Ok(if with_id.requests > 0 { with_id } else { without_id })
}

fn totals_of(summary: &Summary) -> Totals {
    let (row, tokens) = (&summary.interception, summary.tokens);
    let has_usage = tokens.input_tokens + tokens.output_tokens + tokens.cache_read_input_tokens > 0;
    Totals {
        requests: 1,
        failed: u64::from(row.outcome.as_deref() == Some("failed")),
        ended: u64::from(row.ended_at.is_some()),
        tokens,
        unpriced: u64::from(has_usage && tokens.cost_nano_usd.is_none()),
        ..Totals::default()
    }
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
