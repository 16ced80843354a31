//! The tables of interceptions and of the rows that belong to them, and the values of new rows.

use super::{Column, Kind, Row, Table, Value};
use crate::storable::{extra_token_types, json_of_texts, metadata};
use aibridge_recorder::{
    ErrorType, Interception, InterceptionEnd, Reasoning, TokenUsage, ToolUsage, UserPrompt,
};

/// One row for each interception. On PostgreSQL the table also has `instance_id`, the instance that wrote the row.
pub static INTERCEPTIONS: Table = Table {
    name: "aibridge_interceptions",
    key: &["id"],
    columns: &[
        Column::new("id", Kind::Id, "also in the response header `X-AIBridge-Interception-Id`"),
        Column::new("initiator_id", Kind::Text, "the actor: the user of the access token, or `anonymous`").cut_in_lists(),
        Column::new("provider", Kind::Text, "the type of the provider, e.g. `openai`"),
        Column::new("provider_name", Kind::Text, "the configured name of the provider"),
        Column::new("model", Kind::Text, "the model in the spelling of the client; `unknown` if it named none").cut_in_lists(),
        Column::new("route", Kind::Text, "the bridged route, e.g. `/chat/completions`"),
        Column::new("streaming", Kind::Boolean, "whether the client asked for a stream"),
        Column::new("client", Kind::Text, "the client program, e.g. `Codex`, or `Unknown`").cut_in_lists(),
        Column::new("client_session_id", Kind::Text, "the session id that the client sent").nullable().cut_in_lists(),
        Column::new("user_agent", Kind::Text, "the `User-Agent` of the client").nullable().cut_in_lists(),
        Column::new("credential_kind", Kind::Text, "`centralized`: a key of the gateway. `byok`: a key of the client"),
        Column::new("credential_hint", Kind::Text, "the masked key whose response was relayed, or the last one tried; empty if none was tried yet"),
        Column::new("correlating_tool_call_id", Kind::Text, "the tool call whose result this request contains: a `provider_tool_call_id` of an earlier interception").nullable().cut_in_lists(),
        Column::new("metadata", Kind::Json, "JSON object of texts: further attributes of the actor, and `run`, the id of the `aibridge run` whose agent sent the request"),
        Column::new("started_at", Kind::Time, "when the request was accepted"),
        Column::new("ended_at", Kind::Time, "when its response ended; null while it is open").filled_later(),
        Column::new("outcome", Kind::Text, "`completed`; `failed`: by the gateway or the provider; `cancelled`: by the client, which disconnected").filled_later(),
        Column::new("error_type", Kind::Text, "the kind of failure, see below").filled_later(),
        Column::new("upstream_status", Kind::Integer, "the HTTP status of the relayed provider response, or else of the last one, if there was one").filled_later(),
    ],
};

/// The values of a row of [`INTERCEPTIONS`], with those of the end if the interception has ended.
pub fn interception<'a>(row: &'a Interception, end: Option<&'a InterceptionEnd>) -> Row<'a> {
    let hint = end.and_then(|end| end.credential_hint.as_deref()).unwrap_or(&row.credential_hint);
    let error_type = end.and_then(|end| end.outcome.error_type()).map(ErrorType::as_str);
    vec![
        Value::Id(row.id),
        Value::text(&row.initiator_id),
        Value::text(&row.provider),
        Value::text(&row.provider_name),
        Value::text(&row.model),
        Value::text(&row.route),
        Value::Boolean(row.streaming),
        Value::text(&row.client),
        Value::optional(row.client_session_id.as_deref()),
        Value::optional(row.user_agent.as_deref()),
        Value::text(row.credential_kind.as_str()),
        Value::text(hint),
        Value::optional(row.correlating_tool_call_id.as_deref()),
        Value::Json(json_of_texts(&row.metadata)),
        Value::Time(row.started_at),
        end.map_or(Value::Null, |end| Value::Time(end.ended_at)),
        Value::optional(end.map(|end| end.outcome.as_str())),
        Value::optional(error_type),
        end.and_then(|end| end.upstream_status).map_or(Value::Null, |status| Value::Number(status.into())),
    ]
}

/// The prompts of users: at most one for each interception.
pub static USER_PROMPTS: Table = Table {
    name: "aibridge_user_prompts",
    key: &["interception_id", "id"],
    columns: &[
        Column::new("id", Kind::Id, "the id of the row"),
        Column::new("interception_id", Kind::Id, "the interception that the row belongs to"),
        Column::new(
            "provider_response_id",
            Kind::Text,
            "the provider's id of the response, filled at its end",
        )
        .filled_later(),
        Column::new("prompt", Kind::Text, "the text, in full"),
        Column::new("created_at", Kind::Time, "when it was read"),
    ],
};

/// The values of a row of [`USER_PROMPTS`], with the provider's id of the response if that has ended.
pub fn prompt<'a>(row: &'a UserPrompt, provider_response_id: Option<&'a str>) -> Row<'a> {
    vec![
        Value::Id(row.id),
        Value::Id(row.interception_id),
        Value::optional(provider_response_id),
        Value::text(&row.prompt),
        Value::Time(row.created_at),
    ]
}

/// The token usages of responses.
pub static TOKEN_USAGES: Table = Table {
    name: "aibridge_token_usages",
    key: &["interception_id", "id"],
    columns: &[
        Column::new("id", Kind::Id, "the id of the row"),
        Column::new("interception_id", Kind::Id, "the interception that the row belongs to"),
        Column::new("provider_response_id", Kind::Text, "the provider's id of the response").nullable(),
        Column::new(
            "input_tokens",
            Kind::Count,
            "input that was neither read from the provider's cache nor written to it",
        ),
        Column::new("output_tokens", Kind::Count, "output, reasoning included"),
        Column::new("cache_read_input_tokens", Kind::Count, "input that was read from the provider's cache"),
        Column::new(
            "cache_write_input_tokens",
            Kind::Count,
            "input that was written to the provider's cache",
        ),
        Column::new(
            "extra_token_types",
            Kind::Json,
            "JSON object of further counts, e.g. `output_reasoning`: parts of the above, not to be added; of properties that decide the price, e.g. `service_tier`; and `cost`, if the provider states one",
        ),
        Column::new("created_at", Kind::Time, "when it was received"),
        Column::new(
            "cost_nano_usd",
            Kind::Count,
            "the cost in billionths of a US dollar; null without a price",
        )
        .nullable(),
        Column::new(
            "cost_status",
            Kind::Text,
            "`priced`, `estimated`, `unpriced` or `subscription`; null if an earlier version wrote the row",
        )
        .nullable(),
        Column::new("price_id", Kind::Text, "the version of the price table, and the row in it").nullable(),
        Column::new(
            "estimated_input_tokens",
            Kind::Count,
            "the estimated input of a response that broke off before its usage came",
        )
        .nullable(),
        Column::new(
            "estimated_output_tokens",
            Kind::Count,
            "the estimated output of a response that broke off before its usage came",
        )
        .nullable(),
    ],
};

/// The columns of [`TOKEN_USAGES`] that the migration for money added.
pub const COST_COLUMNS: &[&str] =
    &["cost_nano_usd", "cost_status", "price_id", "estimated_input_tokens", "estimated_output_tokens"];

/// The values of a row of [`TOKEN_USAGES`].
pub fn token_usage(row: &TokenUsage) -> Row<'_> {
    let charged = &row.charged;
    let number = |count: Option<i64>| count.map_or(Value::Null, Value::Number);
    vec![
        Value::Id(row.id),
        Value::Id(row.interception_id),
        Value::optional(row.provider_response_id.as_deref()),
        Value::Number(row.input_tokens),
        Value::Number(row.output_tokens),
        Value::Number(row.cache_read_input_tokens),
        Value::Number(row.cache_write_input_tokens),
        Value::Json(extra_token_types(row)),
        Value::Time(row.created_at),
        number(charged.cost_nano_usd),
        Value::text(charged.cost_status.as_str()),
        Value::optional(charged.price_id.as_deref()),
        number(charged.estimated_input_tokens),
        number(charged.estimated_output_tokens),
    ]
}

/// The tools that models selected.
pub static TOOL_USAGES: Table = Table {
    name: "aibridge_tool_usages",
    key: &["interception_id", "id"],
    columns: &[
        Column::new("id", Kind::Id, "the id of the row"),
        Column::new("interception_id", Kind::Id, "the interception that the row belongs to"),
        Column::new("provider_response_id", Kind::Text, "the provider's id of the response").nullable(),
        Column::new(
            "provider_tool_call_id",
            Kind::Text,
            "the provider's id of the tool call, which the request with its result repeats",
        )
        .nullable(),
        Column::new("tool", Kind::Text, "the name of the tool"),
        Column::new("server_url", Kind::Text, "the MCP server that provides an injected tool").nullable(),
        Column::new(
            "input",
            Kind::Text,
            "the arguments as received, mostly JSON; a JSON string for a custom tool",
        ),
        Column::new(
            "injected",
            Kind::Boolean,
            "whether the gateway added the tool to the request and ran it",
        ),
        Column::new("invocation_error", Kind::Text, "why the call of an injected tool failed").nullable(),
        Column::new("created_at", Kind::Time, "when it was received"),
        Column::new(
            "metadata",
            Kind::Json,
            "JSON object; `\"truncated\":true` if a text of the row is cut or missing, or if later tool calls have no rows",
        )
        .nullable(),
    ],
};

/// The values of a row of [`TOOL_USAGES`].
pub fn tool_usage(row: &ToolUsage) -> Row<'_> {
    vec![
        Value::Id(row.id),
        Value::Id(row.interception_id),
        Value::optional(row.provider_response_id.as_deref()),
        Value::optional(row.provider_tool_call_id.as_deref()),
        Value::text(&row.tool),
        Value::optional(row.server_url.as_deref()),
        Value::text(&row.input),
        Value::Boolean(row.injected),
        Value::optional(row.invocation_error.as_deref()),
        Value::Time(row.created_at),
        Value::Json(metadata(None, row.truncated).to_string()),
    ]
}

/// The reasoning in responses.
pub static MODEL_THOUGHTS: Table = Table {
    name: "aibridge_model_thoughts",
    key: &["interception_id", "id"],
    columns: &[
        Column::new("id", Kind::Id, "the id of the row"),
        Column::new("interception_id", Kind::Id, "the interception that the row belongs to"),
        Column::new("content", Kind::Text, "the text of the reasoning"),
        Column::new(
            "metadata",
            Kind::Json,
            "`{\"source\":…}`: `thinking`, `reasoning_summary` or `commentary`; `\"truncated\":true` if the end of `content` is missing",
        ),
        Column::new("created_at", Kind::Time, "when it was received"),
    ],
};

/// The values of a row of [`MODEL_THOUGHTS`].
pub fn reasoning(row: &Reasoning) -> Row<'_> {
    vec![
        Value::Id(row.id),
        Value::Id(row.interception_id),
        Value::text(&row.content),
        Value::Json(metadata(Some(row.source), row.truncated).to_string()),
        Value::Time(row.created_at),
    ]
}
