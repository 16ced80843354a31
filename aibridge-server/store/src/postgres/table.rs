//! The SQL that writes the rows of each table.

/// A table as a target of rows. Rows come as one JSON array.
pub(super) struct Table {
    name: &'static str,
    /// The key columns.
    key: &'static [&'static str],
    /// The columns of a new row, with their types.
    columns: &'static [(&'static str, &'static str)],
}

/// Indices of [`TABLES`], in the order of writing: an interception before the rows that belong to it, its end last.
pub(super) const INTERCEPTIONS: usize = 0;
pub(super) const PROMPTS: usize = 1;
pub(super) const TOKEN_USAGES: usize = 2;
pub(super) const TOOL_USAGES: usize = 3;
pub(super) const THOUGHTS: usize = 4;
pub(super) const ENDS: usize = 5;
/// After the ends, because the spool of an earlier version has only the tables before.
pub(super) const OWNERS: usize = 6;

const CHILD: &[&str] = &["interception_id", "id"];

#[rustfmt::skip]
pub(super) const TABLES: [Table; 7] = [
    Table { name: "aibridge_interceptions", key: &["id"], columns: &[
        ("id", "uuid"), ("initiator_id", "text"), ("provider", "text"), ("provider_name", "text"),
        ("model", "text"), ("route", "text"), ("streaming", "boolean"), ("client", "text"),
        ("client_session_id", "text"), ("user_agent", "text"), ("credential_kind", "text"),
        ("credential_hint", "text"), ("correlating_tool_call_id", "text"), ("metadata", "jsonb"),
        ("started_at", "timestamptz"), ("instance_id", "uuid"),
    ] },
    Table { name: "aibridge_user_prompts", key: CHILD, columns: &[
        ("id", "uuid"), ("interception_id", "uuid"), ("prompt", "text"), ("created_at", "timestamptz"),
    ] },
    Table { name: "aibridge_token_usages", key: CHILD, columns: &[
        ("id", "uuid"), ("interception_id", "uuid"), ("provider_response_id", "text"), ("input_tokens", "bigint"),
        ("output_tokens", "bigint"), ("cache_read_input_tokens", "bigint"), ("cache_write_input_tokens", "bigint"),
        ("extra_token_types", "jsonb"), ("created_at", "timestamptz"),
    ] },
    Table { name: "aibridge_tool_usages", key: CHILD, columns: &[
        ("id", "uuid"), ("interception_id", "uuid"), ("provider_response_id", "text"),
        ("provider_tool_call_id", "text"), ("tool", "text"), ("server_url", "text"), ("input", "text"),
        ("injected", "boolean"), ("invocation_error", "text"), ("created_at", "timestamptz"), ("metadata", "jsonb"),
    ] },
    Table { name: "aibridge_model_thoughts", key: CHILD, columns: &[
        ("id", "uuid"), ("interception_id", "uuid"), ("content", "text"), ("metadata", "jsonb"),
        ("created_at", "timestamptz"),
    ] },
    Table { name: "aibridge_interceptions", key: &["id"], columns: &[
        ("id", "uuid"), ("outcome", "text"), ("error_type", "text"), ("upstream_status", "integer"),
        ("ended_at", "timestamptz"), ("credential_hint", "text"), ("provider_response_id", "text"),
    ] },
    Table { name: "aibridge_object_owners", key: &["provider_name", "object_id"], columns: &[
        ("provider_name", "text"), ("object_id", "text"), ("initiator_id", "text"), ("created_at", "timestamptz"),
    ] },
];

/// The column that an end record may change, so that it is not compared.
const CHANGED: &str = "credential_hint";

/// The two statements of a table. Both take the rows and return the number of rows that were written or found.
pub(super) struct Sql {
    /// Inserts the rows. Rows whose key exists are skipped.
    pub(super) write: String,
    /// Counts the rows that exist with equal values.
    pub(super) find: String,
}

impl Table {
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn sql(&self, at: usize) -> Sql {
        match at {
            ENDS => self.ending(),
            OWNERS => self.claiming(),
            _ => self.inserting(),
        }
    }

    fn inserting(&self) -> Sql {
        let Self { name, .. } = self;
        let (rows, names) = (self.rows(), self.columns.iter().map(|(name, _)| *name));
        let columns = names.clone().collect::<Vec<_>>().join(", ");
        let same = names
            .filter(|column| *column != CHANGED)
            .map(|column| match self.key.contains(&column) {
                true => format!("t.{column} = r.{column}"), // uses the index
                false => format!("t.{column} IS NOT DISTINCT FROM r.{column}"),
            })
            .collect::<Vec<_>>()
            .join(" AND ");
        Sql {
            write: format!(
                "WITH new AS (INSERT INTO {name} ({columns}) SELECT {columns} FROM {rows} ON CONFLICT DO NOTHING \
                 RETURNING 1) SELECT count(*) FROM new"
            ),
            find: format!("SELECT count(*) FROM {rows} JOIN {name} t ON {same}"),
        }
    }

    /// The first end is kept, unless another instance closed the interception as that of a crashed one: then the real
    /// end, which comes late, replaces it.
    fn ending(&self) -> Sql {
        let rows = self.rows();
        Sql {
            write: format!(
                "WITH closed AS ( \
                     UPDATE aibridge_interceptions t SET outcome = r.outcome, error_type = r.error_type, \
                         upstream_status = r.upstream_status, ended_at = r.ended_at, \
                         credential_hint = coalesce(r.credential_hint, t.credential_hint) \
                     FROM {rows} WHERE t.id = r.id AND (t.ended_at IS NULL OR t.error_type = 'gateway_crash') \
                     RETURNING t.id, r.provider_response_id \
                 ), answered AS ( \
                     UPDATE aibridge_user_prompts p SET provider_response_id = c.provider_response_id \
                     FROM closed c WHERE p.interception_id = c.id AND c.provider_response_id IS NOT NULL \
                 ) SELECT count(*) FROM closed"
            ),
            find: format!("SELECT count(*) FROM {rows} JOIN aibridge_interceptions t ON t.id = r.id"),
        }
    }

    /// The first owner is kept, and a later one is not a conflict. The order prevents deadlocks between instances
    /// that write the same owners.
    fn claiming(&self) -> Sql {
        let Self { name, .. } = self;
        let rows = self.rows();
        let columns = self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let key = self.key.join(", ");
        Sql {
            write: format!(
                "WITH new AS (INSERT INTO {name} ({columns}) SELECT {columns} FROM {rows} ORDER BY {key} \
                 ON CONFLICT DO NOTHING) SELECT count(*) FROM {rows}"
            ),
            find: format!("SELECT count(*) FROM {rows} JOIN {name} t USING ({key})"),
        }
    }

    fn rows(&self) -> String {
        let columns: Vec<_> = self.columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        format!("json_to_recordset($1::text::json) AS r({})", columns.join(", "))
    }
}
