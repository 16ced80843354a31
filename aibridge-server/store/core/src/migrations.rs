//! The migrations that both databases share. They follow the first four, which differ between the databases.

use crate::query::Dialect;
use crate::tables::{COST_COLUMNS, TOKEN_USAGES, TOKENS, Table};

/// The number of migrations before the shared ones.
pub const OWN: usize = 4;

/// A step from one version of the schema to the next.
pub enum Migration {
    /// Adds described columns to a table. They must be nullable: rows of earlier versions have no values.
    AddColumns(&'static Table, &'static [&'static str]),
    /// A statement for each database.
    Sql {
        /// The statement for SQLite.
        sqlite: &'static str,
        /// The statement for PostgreSQL.
        postgres: &'static str,
    },
}

/// The shared migrations in order. Never change a released one; add another.
pub static MIGRATIONS: &[Migration] = &[
    // 5: how far the journals of gateways are projected.
    Migration::Sql {
        sqlite: "CREATE TABLE aibridge_journal_positions (journal_id TEXT NOT NULL PRIMARY KEY, \
                 position INTEGER NOT NULL) WITHOUT ROWID",
        postgres: "CREATE TABLE aibridge_journal_positions (journal_id uuid NOT NULL PRIMARY KEY, \
                   position bigint NOT NULL)",
    },
    // 6: records that the database refused for their content.
    Migration::Sql {
        sqlite: "CREATE TABLE aibridge_rejected_records (id TEXT NOT NULL PRIMARY KEY, journal_id TEXT NOT NULL, \
                 position INTEGER NOT NULL, interception_id TEXT, reason TEXT NOT NULL, record TEXT, \
                 rejected_at TEXT NOT NULL)",
        postgres: "CREATE TABLE aibridge_rejected_records (id uuid NOT NULL PRIMARY KEY, journal_id uuid NOT NULL, \
                   position bigint NOT NULL, interception_id uuid, reason text NOT NULL, record text, \
                   rejected_at timestamptz NOT NULL)",
    },
    // 7: what responses cost.
    Migration::AddColumns(&TOKEN_USAGES, COST_COLUMNS),
    // 8: the groups of access tokens.
    Migration::AddColumns(&TOKENS, &["user_groups"]),
];

impl Migration {
    /// The SQL of the step.
    pub fn sql(&self, dialect: Dialect) -> String {
        match self {
            Self::Sql { sqlite, postgres } => match dialect {
                Dialect::Sqlite => (*sqlite).to_owned(),
                Dialect::Postgres => (*postgres).to_owned(),
            },
            Self::AddColumns(table, names) => {
                let columns = table.columns.iter().filter(|column| names.contains(&column.name));
                let added: Vec<String> = columns
                    .map(|column| {
                        format!("ALTER TABLE {} ADD COLUMN {}", table.name, definition(column, dialect))
                    })
                    .collect();
                added.join("; ")
            }
        }
    }
}

fn definition(column: &crate::tables::Column, dialect: Dialect) -> String {
    let kind = match dialect {
        Dialect::Sqlite => column.kind.sqlite(),
        Dialect::Postgres => column.kind.postgres(),
    };
    format!("{} {kind}{}", column.name, if column.is_nullable { "" } else { " NOT NULL" })
}
