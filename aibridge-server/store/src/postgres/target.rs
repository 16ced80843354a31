//! The SQL that writes the rows of each table.

use crate::tables;

/// A target of rows: a table, and what a row does to it. Rows come as one JSON array.
pub(super) struct Target {
    table: &'static tables::Table,
    action: Action,
}

/// The effect of a row on its table.
enum Action {
    /// The row is inserted.
    Insert,
    /// The row is inserted unless its key exists.
    Claim,
    /// The row ends the interception with its id.
    End,
}

/// Indices of [`TARGETS`], in the order of writing: an interception before the rows that belong to it, its end last.
pub(super) const INTERCEPTIONS: usize = 0;
pub(super) const PROMPTS: usize = 1;
pub(super) const TOKEN_USAGES: usize = 2;
pub(super) const TOOL_USAGES: usize = 3;
pub(super) const THOUGHTS: usize = 4;
pub(super) const ENDS: usize = 5;
/// After the ends, because the spool of an earlier version has only the targets before.
pub(super) const OWNERS: usize = 6;

pub(super) const COUNT: usize = 7;
pub(super) static TARGETS: [Target; COUNT] = [
    Target { table: &tables::INTERCEPTIONS, action: Action::Insert },
    Target { table: &tables::USER_PROMPTS, action: Action::Insert },
    Target { table: &tables::TOKEN_USAGES, action: Action::Insert },
    Target { table: &tables::TOOL_USAGES, action: Action::Insert },
    Target { table: &tables::MODEL_THOUGHTS, action: Action::Insert },
    Target { table: &tables::INTERCEPTIONS, action: Action::End },
    Target { table: &tables::OBJECT_OWNERS, action: Action::Claim },
];

/// The column of interceptions that only PostgreSQL has: the instance that wrote the row.
const INSTANCE: (&str, &str) = ("instance_id", tables::Kind::Id.postgres());

/// The column of an end row that goes to the prompts of the interception.
const RESPONSE_ID: &str = "provider_response_id";

/// The column that an end record may change, so that it is not compared.
const CHANGED: &str = "credential_hint";

/// The two statements of a target. Both take the rows and return the number of rows that were written or found.
pub(super) struct Sql {
    /// Inserts the rows. Rows whose key exists are skipped.
    pub(super) write: String,
    /// Counts the rows that exist with equal values.
    pub(super) find: String,
}

impl Target {
    pub(super) fn name(&self) -> &'static str {
        self.table.name
    }

    pub(super) fn sql(&self) -> Sql {
        match self.action {
            Action::Insert => self.inserting(),
            Action::Claim => self.claiming(),
            Action::End => self.ending(),
        }
    }

    /// The columns of a row, with their types.
    fn columns(&self) -> Vec<(&'static str, &'static str)> {
        let is_in_end = |column: &&tables::Column| {
            column.is_filled_later || column.name == CHANGED || self.table.key.contains(&column.name)
        };
        let described = |column: &'static tables::Column| (column.name, column.kind.postgres());
        match self.action {
            Action::Insert if self.table == &tables::INTERCEPTIONS => {
                self.table.inserted().map(described).chain([INSTANCE]).collect()
            }
            Action::Insert | Action::Claim => self.table.inserted().map(described).collect(),
            Action::End => {
                let response_id = tables::USER_PROMPTS.column(RESPONSE_ID);
                self.table.columns.iter().filter(is_in_end).chain(response_id).map(described).collect()
            }
        }
    }

    fn inserting(&self) -> Sql {
        let (name, rows) = (self.name(), self.rows());
        let names: Vec<_> = self.columns().into_iter().map(|(name, _)| name).collect();
        let columns = names.join(", ");
        let same = names
            .into_iter()
            .filter(|column| *column != CHANGED)
            .map(|column| match self.table.key.contains(&column) {
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
        let (name, rows, key) = (self.name(), self.rows(), self.table.key.join(", "));
        let columns = self.columns().into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(", ");
        Sql {
            write: format!(
                "WITH new AS (INSERT INTO {name} ({columns}) SELECT {columns} FROM {rows} ORDER BY {key} \
                 ON CONFLICT DO NOTHING) SELECT count(*) FROM {rows}"
            ),
            find: format!("SELECT count(*) FROM {rows} JOIN {name} t USING ({key})"),
        }
    }

    fn rows(&self) -> String {
        let columns: Vec<_> =
            self.columns().into_iter().map(|(name, kind)| format!("{name} {kind}")).collect();
        format!("json_to_recordset($1::text::json) AS r({})", columns.join(", "))
    }
}
