//! The row types that queries return. The API and the exports use their JSON form.

use super::RowReader;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::collections::HashMap;
use uuid::Uuid;

/// A row of `aibridge_interceptions`. `docs/records.md` describes each column.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the columns of the table, described with it")]
pub struct InterceptionRow {
    pub id: Uuid,
    pub initiator_id: String,
    pub provider: String,
    pub provider_name: String,
    pub model: String,
    pub route: String,
    pub streaming: bool,
    pub client: String,
    pub client_session_id: Option<String>,
    pub user_agent: Option<String>,
    pub credential_kind: String,
    pub credential_hint: String,
    pub correlating_tool_call_id: Option<String>,
    pub metadata: Box<RawValue>,
    #[serde(serialize_with = "time")]
    pub started_at: Timestamp,
    #[serde(serialize_with = "optional_time")]
    pub ended_at: Option<Timestamp>,
    pub outcome: Option<String>,
    pub error_type: Option<String>,
    pub upstream_status: Option<u16>,
}

impl InterceptionRow {
    /// The value of an attribute in `metadata`.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let attributes: Option<HashMap<String, String>> = serde_json::from_str(self.metadata.get()).ok();
        attributes?.remove(name)
    }

    /// Reads a selected row.
    pub fn read<R: RowReader>(row: &R) -> Result<Self, R::Error> {
        let status = row.optional_integer("upstream_status")?;
        Ok(Self {
            id: row.id("id")?,
            initiator_id: row.text("initiator_id")?,
            provider: row.text("provider")?,
            provider_name: row.text("provider_name")?,
            model: row.text("model")?,
            route: row.text("route")?,
            streaming: row.boolean("streaming")?,
            client: row.text("client")?,
            client_session_id: row.optional_text("client_session_id")?,
            user_agent: row.optional_text("user_agent")?,
            credential_kind: row.text("credential_kind")?,
            credential_hint: row.text("credential_hint")?,
            correlating_tool_call_id: row.optional_text("correlating_tool_call_id")?,
            metadata: row.json("metadata")?,
            started_at: row.time("started_at")?,
            ended_at: row.optional_time("ended_at")?,
            outcome: row.optional_text("outcome")?,
            error_type: row.optional_text("error_type")?,
            upstream_status: status.and_then(|status| u16::try_from(status).ok()),
        })
    }

    /// The outcome; `open` if the interception has not ended.
    pub fn outcome_or_open(&self) -> &str {
        self.outcome.as_deref().unwrap_or("open")
    }
}

/// Sums of token counts and costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TokenSums {
    /// Input tokens that were neither read from nor written to the cache of the provider.
    pub input_tokens: i64,
    /// Output tokens, including reasoning.
    pub output_tokens: i64,
    /// Input tokens that were read from the cache of the provider.
    pub cache_read_input_tokens: i64,
    /// Input tokens that were written to the cache of the provider.
    pub cache_write_input_tokens: i64,
    /// The costs in billionths of a US dollar; `None` if no usage has a price.
    pub cost_nano_usd: Option<i64>,
}

impl TokenSums {
    /// Reads sums over several rows.
    pub fn read<R: RowReader>(row: &R) -> Result<Self, R::Error> {
        Ok(Self {
            input_tokens: row.sum("input_tokens")? as i64,
            output_tokens: row.sum("output_tokens")? as i64,
            cache_read_input_tokens: row.sum("cache_read_input_tokens")? as i64,
            cache_write_input_tokens: row.sum("cache_write_input_tokens")? as i64,
            cost_nano_usd: row.optional_count("cost_nano_usd")?,
        })
    }

    /// Adds other sums. Counts saturate.
    pub fn add(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.cache_read_input_tokens =
            self.cache_read_input_tokens.saturating_add(other.cache_read_input_tokens);
        self.cache_write_input_tokens =
            self.cache_write_input_tokens.saturating_add(other.cache_write_input_tokens);
        self.cost_nano_usd = match (self.cost_nano_usd, other.cost_nano_usd) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
    }
}

/// An interception with its token totals.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The row of the interception.
    #[serde(flatten)]
    pub interception: InterceptionRow,
    /// The sums of its token usages.
    #[serde(flatten)]
    pub tokens: TokenSums,
}

/// An interception with all rows that belong to it, each list in the order of creation.
#[derive(Debug, Clone, Serialize)]
pub struct FullInterception {
    /// The row of the interception.
    #[serde(flatten)]
    pub interception: InterceptionRow,
    /// The prompts of the user.
    pub user_prompts: Vec<PromptRow>,
    /// The token usages of its responses.
    pub token_usages: Vec<TokenUsageRow>,
    /// The tools that the model selected.
    pub tool_usages: Vec<ToolUsageRow>,
    /// The reasoning in its responses.
    pub model_thoughts: Vec<ThoughtRow>,
}

impl FullInterception {
    /// The sums of its token usages.
    pub fn tokens(&self) -> TokenSums {
        self.token_usages.iter().fold(TokenSums::default(), |mut sums, usage| {
            sums.add(usage.tokens);
            sums
        })
    }

    /// Approximate size in bytes of the texts that clients and providers choose.
    pub fn bytes(&self) -> usize {
        let Self { interception, user_prompts, token_usages, tool_usages, model_thoughts } = self;
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        interception.model.len()
            + optional(&interception.client_session_id)
            + optional(&interception.user_agent)
            + optional(&interception.correlating_tool_call_id)
            + user_prompts.iter().map(|row| row.prompt.len()).sum::<usize>()
            + token_usages.iter().map(|row| row.extra_token_types.get().len()).sum::<usize>()
            + tool_usages.iter().map(|row| row.input.len() + row.tool.len()).sum::<usize>()
            + model_thoughts.iter().map(|row| row.content.len()).sum::<usize>()
    }
}

/// A row of `aibridge_user_prompts`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the columns of the table, described with it")]
pub struct PromptRow {
    pub id: Uuid,
    pub provider_response_id: Option<String>,
    pub prompt: String,
    #[serde(serialize_with = "time")]
    pub created_at: Timestamp,
}

impl PromptRow {
    /// Reads a selected row.
    pub fn read<R: RowReader>(row: &R) -> Result<Self, R::Error> {
        Ok(Self {
            id: row.id("id")?,
            provider_response_id: row.optional_text("provider_response_id")?,
            prompt: row.text("prompt")?,
            created_at: row.time("created_at")?,
        })
    }
}

/// A row of `aibridge_token_usages`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the columns of the table, described with it")]
pub struct TokenUsageRow {
    pub id: Uuid,
    pub provider_response_id: Option<String>,
    #[serde(flatten)]
    pub tokens: TokenSums,
    pub extra_token_types: Box<RawValue>,
    #[serde(serialize_with = "time")]
    pub created_at: Timestamp,
    pub cost_status: Option<String>,
    pub price_id: Option<String>,
    pub estimated_input_tokens: Option<i64>,
    pub estimated_output_tokens: Option<i64>,
}

impl TokenUsageRow {
    /// Reads a selected row.
    pub fn read<R: RowReader>(row: &R) -> Result<Self, R::Error> {
        Ok(Self {
            id: row.id("id")?,
            provider_response_id: row.optional_text("provider_response_id")?,
            tokens: TokenSums {
                input_tokens: row.count("input_tokens")?,
                output_tokens: row.count("output_tokens")?,
                cache_read_input_tokens: row.count("cache_read_input_tokens")?,
                cache_write_input_tokens: row.count("cache_write_input_tokens")?,
                cost_nano_usd: row.optional_count("cost_nano_usd")?,
            },
            extra_token_types: row.json("extra_token_types")?,
            created_at: row.time("created_at")?,
            cost_status: row.optional_text("cost_status")?,
            price_id: row.optional_text("price_id")?,
            estimated_input_tokens: row.optional_count("estimated_input_tokens")?,
            estimated_output_tokens: row.optional_count("estimated_output_tokens")?,
        })
    }
}

/// A row of `aibridge_tool_usages`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the columns of the table, described with it")]
pub struct ToolUsageRow {
    pub id: Uuid,
    pub provider_response_id: Option<String>,
    pub provider_tool_call_id: Option<String>,
    pub tool: String,
    pub server_url: Option<String>,
    pub input: String,
    pub injected: bool,
    pub invocation_error: Option<String>,
    #[serde(serialize_with = "time")]
    pub created_at: Timestamp,
    pub metadata: Box<RawValue>,
}

impl ToolUsageRow {
    /// Reads a selected row.
    pub fn read<R: RowReader>(row: &R) -> Result<Self, R::Error> {
        Ok(Self {
            id: row.id("id")?,
            provider_response_id: row.optional_text("provider_response_id")?,
            provider_tool_call_id: row.optional_text("provider_tool_call_id")?,
            tool: row.text("tool")?,
            server_url: row.optional_text("server_url")?,
            input: row.text("input")?,
            injected: row.boolean("injected")?,
            invocation_error: row.optional_text("invocation_error")?,
            created_at: row.time("created_at")?,
            metadata: row.json("metadata")?,
        })
    }
}

/// A row of `aibridge_model_thoughts`.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the columns of the table, described with it")]
pub struct ThoughtRow {
    pub id: Uuid,
    pub content: String,
    pub metadata: Box<RawValue>,
    #[serde(serialize_with = "time")]
    pub created_at: Timestamp,
}

impl ThoughtRow {
    /// Reads a selected row.
    pub fn read<R: RowReader>(row: &R) -> Result<Self, R::Error> {
        Ok(Self {
            id: row.id("id")?,
            content: row.text("content")?,
            metadata: row.json("metadata")?,
            created_at: row.time("created_at")?,
        })
    }
}

/// Serialises a time as SQLite stores it: RFC 3339 in UTC with exactly three fractional digits.
pub fn time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}

/// Serialises a time like [`time()`], or null.
pub fn optional_time<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => time(at, serializer),
        None => serializer.serialize_none(),
    }
}
