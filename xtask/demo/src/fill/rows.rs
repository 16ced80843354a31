//! Inserts the rows of a planned interception.

use super::plan::{Outcome, Planned, Random};
use super::texts::{CLIENT_NAMES, MODEL_NAMES, PROMPTS, REASONING, USER_NAMES, tool};
use anyhow::Result;
use jiff::Timestamp;
use rusqlite::{Statement, Transaction, params};

/// The prepared statements.
pub(super) struct Inserts<'a> {
    interception: Statement<'a>,
    prompt: Statement<'a>,
    usage: Statement<'a>,
    tool: Statement<'a>,
    thought: Statement<'a>,
}

impl<'a> Inserts<'a> {
    pub(super) fn new(transaction: &'a Transaction<'_>) -> Result<Self> {
        Ok(Self {
            interception: transaction.prepare(
                "INSERT INTO aibridge_interceptions (id, initiator_id, provider, provider_name, model, route, streaming, \
                 client, client_session_id, user_agent, credential_kind, credential_hint, correlating_tool_call_id, \
                 metadata, started_at, ended_at, outcome, error_type, upstream_status) \
                 VALUES (?1, ?2, ?3, ?3, ?4, ?5, 1, ?6, ?7, ?8, 'centralized', 'sk-d...demo', ?9, '{}', ?10, ?11, ?12, ?13, ?14)",
            )?,
            prompt: transaction.prepare(
                "INSERT INTO aibridge_user_prompts (id, interception_id, provider_response_id, prompt, created_at) \
                 VALUES (?1, ?2, NULL, ?3, ?4)",
            )?,
            usage: transaction.prepare(
                "INSERT INTO aibridge_token_usages (id, interception_id, provider_response_id, input_tokens, \
                 output_tokens, cache_read_input_tokens, cache_write_input_tokens, extra_token_types, created_at, \
                 cost_nano_usd, cost_status) VALUES (?1, ?2, NULL, ?3, ?4, ?5, 0, '{}', ?6, ?7, ?8)",
            )?,
            tool: transaction.prepare(
                "INSERT INTO aibridge_tool_usages (id, interception_id, provider_response_id, provider_tool_call_id, \
                 tool, server_url, input, injected, invocation_error, created_at, metadata) \
                 VALUES (?1, ?2, NULL, ?3, ?4, NULL, ?5, 0, NULL, ?6, '{}')",
            )?,
            thought: transaction.prepare(
                "INSERT INTO aibridge_model_thoughts (id, interception_id, content, metadata, created_at) \
                 VALUES (?1, ?2, ?3, '{\"source\":\"thinking\"}', ?4)",
            )?,
        })
    }

    pub(super) fn insert(&mut self, one: &Planned) -> Result<()> {
        let mut random = Random::new(u64::from(one.seed) << 20 | u64::from(one.step));
        let ended_at = one.at + u64::from(one.millis);
        let (id, started, ended) = (id(one.at, &mut random), time(one.at)?, time(ended_at)?);
        let (provider, model, prices) = MODEL_NAMES[usize::from(one.model)];
        let (client, agent) = CLIENT_NAMES[usize::from(one.client)];
        let session = format!("{:08x}-5e55-4000-8000-{:012x}", one.session, u64::from(one.session) * 7919);
        let session = (client != "Cursor").then_some(session);
        let returned_call = (!one.has_prompt).then(|| call_id(one.session, one.step - 1));
        let (outcome, error, status) = match one.outcome {
            Outcome::Completed => (Some("completed"), None, Some(200)),
            Outcome::Cancelled => (Some("cancelled"), None, Some(200)),
            Outcome::RateLimited => (Some("failed"), Some("rate_limited"), Some(429)),
            Outcome::Overloaded => (Some("failed"), Some("upstream_5xx"), Some(529)),
            Outcome::Timeout => (Some("failed"), Some("upstream_timeout"), None),
            Outcome::Open => (None, None, None),
        };
        let route = if provider == "anthropic" { "/messages" } else { "/responses" };
        let user = USER_NAMES[usize::from(one.user)];
        self.interception.execute(params![
            id,
            user,
            provider,
            model,
            route,
            client,
            session,
            agent,
            returned_call,
            started,
            outcome.map(|_| &ended),
            outcome,
            error,
            status
        ])?;
        let mut child = |at: u64| self::id(at, &mut random);
        if one.has_prompt {
            let text = PROMPTS[one.seed as usize % PROMPTS.len()];
            self.prompt.execute(params![child(one.at), id, text, started])?;
        }
        if one.outcome == Outcome::Completed {
            let cached = (u32::from(one.step) * 900 + one.seed % 2000).min(180_000);
            let (input, output) = (200 + one.seed % 3000, 30 + one.seed % 1500);
            let price = |[fresh, read, written]: [i64; 3]| {
                fresh * i64::from(input) + read * i64::from(cached) + written * i64::from(output)
            };
            let cost = prices.map(price);
            let status = if cost.is_some() { "priced" } else { "unpriced" };
            self.usage.execute(params![child(ended_at), id, input, output, cached, ended, cost, status])?;
            if one.seed.is_multiple_of(3) {
                let text = REASONING[one.seed as usize % REASONING.len()];
                self.thought.execute(params![child(ended_at), id, text, ended])?;
            }
        }
        if one.calls_tool {
            let (name, input) = tool(one);
            let call = call_id(one.session, one.step);
            self.tool.execute(params![child(ended_at), id, call, name, input, ended])?;
        }
        Ok(())
    }
}

fn call_id(session: u32, step: u16) -> String {
    format!("call_{session}_{step}")
}

/// A UUIDv7 with the time `at`.
fn id(at: u64, random: &mut Random) -> String {
    let bytes = (u128::from(random.next()) << 64 | u128::from(random.next())).to_be_bytes();
    let mut tail = [0; 10];
    tail.copy_from_slice(&bytes[6..]);
    uuid::Builder::from_unix_timestamp_millis(at, &tail).into_uuid().to_string()
}

/// RFC 3339 in UTC with milliseconds, as the store writes it.
fn time(at: u64) -> Result<String> {
    Ok(format!("{:.3}", Timestamp::from_millisecond(at.try_into()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_ids_have_the_form_of_the_store() {
        assert_eq!(time(0).unwrap(), "1970-01-01T00:00:00.000Z");
        assert_eq!(time(1_709_208_000_123).unwrap(), "2024-02-29T12:00:00.123Z");
        assert_eq!(time(1_798_761_599_999).unwrap(), "2026-12-31T23:59:59.999Z");
        let id = id(1_709_208_000_123, &mut Random::new(1));
        assert_eq!((&id[..13], &id[14..15], id.len()), ("018df4bc-567b", "7", 36));
    }
}
