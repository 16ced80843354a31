//! The SQL that writes the rows of a batch. Rows come as one JSON array for each table.

use crate::error::PgError;
use crate::json_rows::JsonRows;
use aibridge_store_core::tables::{self, Kind, Table};
use aibridge_store_core::{Batch, insert};
use futures_util::future::try_join_all;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

/// The column of interceptions that only PostgreSQL has: the instance that wrote the row.
const INSTANCE: &str = "instance_id";

/// The tables that records go to, in the order of writing: an interception before the rows that belong to it.
static TABLES: [&Table; 7] = [
    &tables::INTERCEPTIONS,
    &tables::USER_PROMPTS,
    &tables::TOKEN_USAGES,
    &tables::TOOL_USAGES,
    &tables::MODEL_THOUGHTS,
    &tables::OBJECT_OWNERS,
    &tables::REJECTED_RECORDS,
];

/// Ends interceptions, and divides by zero if some of them did not start: an error in the transaction, because its COMMIT is
/// on its way. The first end is kept, unless another instance closed the interception as that of a crashed one: then the
/// real end, which comes late, replaces it.
const END: &str = "WITH r AS (SELECT * FROM json_to_recordset($1::text::json) AS r(id uuid, outcome text, \
        error_type text, upstream_status integer, ended_at timestamptz, credential_hint text, \
        provider_response_id text)), \
    closed AS ( \
        UPDATE aibridge_interceptions t SET outcome = r.outcome, error_type = r.error_type, \
            upstream_status = r.upstream_status, ended_at = r.ended_at, \
            credential_hint = coalesce(r.credential_hint, t.credential_hint) \
        FROM r WHERE t.id = r.id AND (t.ended_at IS NULL OR t.error_type = 'gateway_crash') \
        RETURNING t.id, r.provider_response_id), \
    answered AS ( \
        UPDATE aibridge_user_prompts p SET provider_response_id = c.provider_response_id \
        FROM closed c WHERE p.interception_id = c.id AND c.provider_response_id IS NOT NULL) \
    SELECT 1 / (count(*) = 0)::integer FROM r \
    WHERE NOT EXISTS (SELECT FROM aibridge_interceptions t WHERE t.id = r.id)";
const REVOKE: &str = "DELETE FROM aibridge_interceptions WHERE id = ANY ($1) AND ended_at IS NULL";
const ADVANCE: &str = "INSERT INTO aibridge_journal_positions AS t (journal_id, position) VALUES ($1, $2) \
    ON CONFLICT (journal_id) DO UPDATE SET position = excluded.position WHERE t.position < excluded.position";

/// The prepared statements of one connection.
pub(super) struct Statements {
    inserts: Vec<Statement>,
    end: Statement,
    revoke: Statement,
    advance: Statement,
}

impl Statements {
    pub(super) async fn prepare(client: &Client) -> Result<Self, PgError> {
        let inserts: Vec<String> = TABLES.iter().map(|table| insert_sql(table)).collect();
        let inserts = try_join_all(inserts.iter().map(|sql| client.prepare(sql)));
        let (end, revoke, advance) = (client.prepare(END), client.prepare(REVOKE), client.prepare(ADVANCE));
        let (inserts, end, revoke, advance) = tokio::try_join!(inserts, end, revoke, advance)?;
        Ok(Self { inserts, end, revoke, advance })
    }

    /// Writes the batch and the position. All statements are sent before the first response arrives.
    pub(super) async fn write(
        &self,
        client: &Client,
        batch: &Batch,
        journal: Uuid,
        position: Option<u64>,
    ) -> Result<(), PgError> {
        let arrays = arrays(batch, journal);
        let ends = JsonRows::ends(&batch.ends);
        let ending = async {
            if batch.ends.is_empty() {
                return Ok(0);
            }
            client.execute(&self.end, &[&ends]).await.map_err(|error| match error.code() {
                Some(&SqlState::DIVISION_BY_ZERO) => PgError::UnknownEnds,
                _ => error.into(),
            })
        };
        let inserting = async {
            let writing = self.inserts.iter().zip(&arrays).filter(|(_, rows)| !rows.is_empty());
            try_join_all(writing.map(async |(statement, rows)| client.execute(statement, &[rows]).await))
                .await
        };
        let revoking = async {
            if batch.revoked.is_empty() {
                return Ok(0);
            }
            client.execute(&self.revoke, &[&batch.revoked]).await
        };
        let advancing = async {
            let Some(position) = position.map(u64::cast_signed) else { return Ok(0) };
            client.execute(&self.advance, &[&journal, &position]).await
        };
        // In the order of the rows: after a failure, all that follows fails for another reason.
        let (inserted, ended, revoked, advanced) =
            tokio::join!(biased; inserting, ending, revoking, advancing);
        inserted?;
        ended?;
        revoked?;
        advanced?;
        Ok(())
    }
}

/// The rows of a batch for each of [`TABLES`].
fn arrays(batch: &Batch, journal: Uuid) -> [String; TABLES.len()] {
    let rows = |table: usize| JsonRows::new(TABLES[table]);
    let mut interceptions = rows(0);
    for (start, end) in &batch.interceptions {
        interceptions.push(&tables::interception(start, end.as_ref()), &[(INSTANCE, journal)]);
    }
    let mut prompts = rows(1);
    for (prompt, response_id) in &batch.prompts {
        prompts.push(&tables::prompt(prompt, response_id.as_deref()), &[]);
    }
    let rejected = batch.rejected.iter().map(|row| tables::rejected(row, journal));
    [
        interceptions.finish(),
        prompts.finish(),
        rows(2).with(batch.token_usages.iter().map(tables::token_usage)),
        rows(3).with(batch.tool_usages.iter().map(tables::tool_usage)),
        rows(4).with(batch.thoughts.iter().map(tables::reasoning)),
        rows(5).with(batch.owners.iter().map(tables::owner)),
        rows(6).with(rejected),
    ]
}

fn insert_sql(table: &Table) -> String {
    let extra: &[&str] = if table == &tables::INTERCEPTIONS { &[INSTANCE] } else { &[] };
    let described = table.columns.iter().map(|column| (column.name, column.kind.postgres()));
    let columns: Vec<(&str, &str)> =
        described.chain(extra.iter().map(|name| (*name, Kind::Id.postgres()))).collect();
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let types: Vec<String> = columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
    // The order prevents deadlocks between instances that write the same owners.
    let source = format!(
        "SELECT {} FROM json_to_recordset($1::text::json) AS r({}) ORDER BY {}",
        names.join(", "),
        types.join(", "),
        table.key.join(", ")
    );
    insert(table, extra, &source)
}
