//! Conversion of PostgreSQL rows to the row types of queries.

use crate::query::{InterceptionRow, TokenSums};
use serde_json::value::RawValue;
use std::error::Error as StdError;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Error, Row};

/// A JSON document, selected as text so that its numbers keep their spelling.
pub(super) struct Json(pub(super) Box<RawValue>);

impl<'a> FromSql<'a> for Json {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(RawValue::from_string(std::str::from_utf8(raw)?.to_owned())?))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::TEXT
    }
}

pub(super) fn interception(row: &Row) -> Result<InterceptionRow, Error> {
    let status: Option<i32> = row.try_get("upstream_status")?;
    Ok(InterceptionRow {
        id: row.try_get("id")?,
        initiator_id: row.try_get("initiator_id")?,
        provider: row.try_get("provider")?,
        provider_name: row.try_get("provider_name")?,
        model: row.try_get("model")?,
        route: row.try_get("route")?,
        streaming: row.try_get("streaming")?,
        client: row.try_get("client")?,
        client_session_id: row.try_get("client_session_id")?,
        user_agent: row.try_get("user_agent")?,
        credential_kind: row.try_get("credential_kind")?,
        credential_hint: row.try_get("credential_hint")?,
        correlating_tool_call_id: row.try_get("correlating_tool_call_id")?,
        metadata: row.try_get::<_, Json>("metadata")?.0,
        started_at: row.try_get("started_at")?,
        ended_at: row.try_get("ended_at")?,
        outcome: row.try_get("outcome")?,
        error_type: row.try_get("error_type")?,
        upstream_status: status.and_then(|status| u16::try_from(status).ok()),
    })
}

pub(super) fn sums(row: &Row) -> Result<TokenSums, Error> {
    let sum = |column: &str| Ok::<_, Error>(row.try_get::<_, f64>(column)? as i64);
    Ok(TokenSums {
        input_tokens: sum("input_tokens")?,
        output_tokens: sum("output_tokens")?,
        cache_read_input_tokens: sum("cache_read_input_tokens")?,
        cache_write_input_tokens: sum("cache_write_input_tokens")?,
    })
}
