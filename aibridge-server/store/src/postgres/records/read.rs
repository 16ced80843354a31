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
    let status: Option<i32> = row.try_get(18)?;
    Ok(InterceptionRow {
        id: row.try_get(0)?,
        initiator_id: row.try_get(1)?,
        provider: row.try_get(2)?,
        provider_name: row.try_get(3)?,
        model: row.try_get(4)?,
        route: row.try_get(5)?,
        streaming: row.try_get(6)?,
        client: row.try_get(7)?,
        client_session_id: row.try_get(8)?,
        user_agent: row.try_get(9)?,
        credential_kind: row.try_get(10)?,
        credential_hint: row.try_get(11)?,
        correlating_tool_call_id: row.try_get(12)?,
        metadata: row.try_get::<_, Json>(13)?.0,
        started_at: row.try_get(14)?,
        ended_at: row.try_get(15)?,
        outcome: row.try_get(16)?,
        error_type: row.try_get(17)?,
        upstream_status: status.and_then(|status| u16::try_from(status).ok()),
    })
}

pub(super) fn sums(row: &Row) -> Result<TokenSums, Error> {
    let sum = |column: usize| Ok::<_, Error>(row.try_get::<_, f64>(column)? as i64);
    Ok(TokenSums {
        input_tokens: sum(19)?,
        output_tokens: sum(20)?,
        cache_read_input_tokens: sum(21)?,
        cache_write_input_tokens: sum(22)?,
    })
}
