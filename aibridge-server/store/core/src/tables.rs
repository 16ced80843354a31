//! The one description of the tables that hold records, tokens and object owners: columns, types, nullability, meaning.
//!
//! Insert statements, select lists and list truncation of both databases follow from it. Tests check against it: the
//! migrations of both databases, the tables in `docs/records.md`, and the JSON of queries and exports. Tables for the
//! coordination (`aibridge_journal_positions`, and on PostgreSQL `aibridge_instances`, `aibridge_key_cooldowns` and
//! `aibridge_schema`) are not part of it.

mod journal;
mod records;
mod users;
mod value;

pub use journal::REJECTED_RECORDS;
pub use journal::rejected;
pub use records::COST_COLUMNS;
pub use records::{INTERCEPTIONS, MODEL_THOUGHTS, TOKEN_USAGES, TOOL_USAGES, USER_PROMPTS};
pub use records::{interception, prompt, reasoning, token_usage, tool_usage};
pub use users::owner;
pub use users::{OBJECT_OWNERS, TOKENS};
pub use value::{Row, Value};

/// A described table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// The name of the table, the same on both databases.
    pub name: &'static str,
    /// The columns of the primary key.
    pub key: &'static [&'static str],
    /// All columns, in the order of the schema.
    pub columns: &'static [Column],
}

/// A column of a described table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The name of the column, also in JSON, exports and log lines.
    pub name: &'static str,
    /// The type of its values.
    pub kind: Kind,
    /// Whether the column may be null.
    pub is_nullable: bool,
    /// Whether an update fills the column after the row was inserted: an end record, or a revocation.
    pub is_filled_later: bool,
    /// Whether lists truncate the text, because a client chooses it.
    pub is_cut_in_lists: bool,
    /// The meaning of the column, in Markdown.
    pub doc: &'static str,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A UUID of this store.
    Id,
    /// Text of any length.
    Text,
    /// A small number, such as an HTTP status.
    Integer,
    /// A 64-bit count.
    Count,
    /// True or false, in SQLite 1 or 0.
    Boolean,
    /// A JSON object.
    Json,
    /// A time in whole milliseconds.
    Time,
    /// A byte string.
    Bytes,
}

impl Kind {
    /// The declared type in SQLite.
    pub const fn sqlite(self) -> &'static str {
        match self {
            Self::Id | Self::Text | Self::Json | Self::Time => "TEXT",
            Self::Integer | Self::Count | Self::Boolean => "INTEGER",
            Self::Bytes => "BLOB",
        }
    }

    /// The declared type in PostgreSQL.
    pub const fn postgres(self) -> &'static str {
        match self {
            Self::Id => "uuid",
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Count => "bigint",
            Self::Boolean => "boolean",
            Self::Json => "jsonb",
            Self::Time => "timestamptz",
            Self::Bytes => "bytea",
        }
    }
}

impl Column {
    const fn new(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self { name, kind, is_nullable: false, is_filled_later: false, is_cut_in_lists: false, doc }
    }

    const fn nullable(self) -> Self {
        Self { is_nullable: true, ..self }
    }

    const fn filled_later(self) -> Self {
        Self { is_nullable: true, is_filled_later: true, ..self }
    }

    const fn cut_in_lists(self) -> Self {
        Self { is_cut_in_lists: true, ..self }
    }
}

impl Table {
    /// All described tables, in the order of `docs/records.md`.
    pub const ALL: [&'static Self; 8] = [
        &INTERCEPTIONS,
        &USER_PROMPTS,
        &TOKEN_USAGES,
        &TOOL_USAGES,
        &MODEL_THOUGHTS,
        &TOKENS,
        &OBJECT_OWNERS,
        &REJECTED_RECORDS,
    ];

    /// The column with this name; `None` if there is none.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The columns of a new row: those that no later update fills.
    pub fn inserted(&self) -> impl Iterator<Item = &'static Column> + Clone + use<> {
        self.columns.iter().filter(|column| !column.is_filled_later)
    }

    /// The columns of a row as queries return it: without the id of the interception that the row belongs to.
    pub fn returned(&self) -> impl Iterator<Item = &'static Column> + Clone + use<> {
        self.columns.iter().filter(|column| column.name != "interception_id")
    }

    /// The table of columns in `docs/records.md`.
    pub fn markdown(&self) -> String {
        let mut text = String::from("| column | type | meaning |\n| --- | --- | --- |\n");
        for Column { name, kind, is_nullable, doc, .. } in self.columns {
            let null = if *is_nullable { ", null" } else { "" };
            text.push_str(&format!("| `{name}` | {}{null} | {doc} |\n", kind.sqlite()));
        }
        text
    }
}
