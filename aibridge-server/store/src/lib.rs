//! Persistent storage of a gateway: the [`Recorder`](aibridge_recorder::Recorder) on SQLite and on PostgreSQL,
//! queries over the records, their retention, and access tokens.
//!
//! [Open](Store::open) a store and pass it to the gateway. Every call of the recorder appends one frame to a journal
//! (`aibridge-journal`) in a local directory, and returns when that is durable in the sense of [`Durability`]: the
//! request waits for one write of its own, not for a database. One *projector* applies the journal to the database, in
//! order. The position of the journal is a row that is updated in the same transaction as the rows of the records, so
//! each record is applied exactly once, whatever crashes. A record that the database refuses for its content goes to
//! `aibridge_rejected_records`; while the database refuses everything, records wait in the journal.
//!
//! A gateway that crashes leaves interceptions open. The next gateway with its journal closes them, after what is left
//! in the journal is projected. On PostgreSQL, several gateways may share the database. Each instance writes a
//! heartbeat; the other instances close the interceptions of an instance whose heartbeat stops.
//!
//! The command line creates and revokes [`Tokens`] while gateways run. Only the SHA-256 of a token is stored.
//! `docs/records.md` describes all tables and columns for operators.
//!
//! ```
//! use aibridge_recorder::{CredentialKind, Interception, Record, Recorder, UserPrompt};
//! use std::time::Duration;
//! use aibridge_store::{Options, SqliteStore};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! let path = directory.path().join("aibridge.db");
//! let store = SqliteStore::open(Options::new(&path))?;
//!
//! let now = jiff::Timestamp::now();
//! let interception = Interception {
//!     id: uuid::Uuid::now_v7(),
//!     initiator_id: "ada".into(),
//!     provider: "openai".into(),
//!     provider_name: "openai".into(),
//!     model: "gpt-5".into(),
//!     route: "/responses".into(),
//!     streaming: true,
//!     client: "Codex".into(),
//!     client_session_id: None,
//!     user_agent: None,
//!     credential_kind: CredentialKind::Centralized,
//!     credential_hint: String::new(),
//!     correlating_tool_call_id: None,
//!     metadata: Default::default(),
//!     started_at: now,
//! };
//! let prompt = UserPrompt {
//!     id: uuid::Uuid::now_v7(),
//!     interception_id: interception.id,
//!     prompt: "What does this function do?".into(),
//!     created_at: now,
//! };
//! store.record(vec![Record::Start(interception.into()), Record::Prompt(prompt)]).await?;
//! // Both are durable now. The database has them some milliseconds later, and any SQLite client can read them.
//! store.wait_until_projected(Duration::from_secs(1)).await;
//!
//! let prompt: String = rusqlite::Connection::open(&path)?.query_row(
//!     "SELECT initiator_id || ': ' || prompt
//!      FROM aibridge_interceptions i JOIN aibridge_user_prompts p ON p.interception_id = i.id",
//!     [],
//!     |row| row.get(0),
//! )?;
//! assert_eq!(prompt, "ada: What does this function do?");
//! store.close().await;
//! # Ok(())
//! # }
//! ```

mod costs;
mod inspection;
mod rollup;
mod store;
mod sweeper;
mod tokens;

pub use aibridge_journal::APPEND_BOUNDS_MICROS;
pub use aibridge_postgres::{KeyCooldown, PostgresStore};
pub use aibridge_projector::JournalStats;
pub use aibridge_queries::{
    Content, ContentKind, Excerpt, Interval, Match, Order, OwnRecords, RecordedUsage, Records, SessionRef,
    SessionRow, SessionSummary, Sessions, Spending, SpendingQuery, Step, Sums, ToolCall, ToolCount, Totals,
    TotalsKey, TotalsQuery, TotalsRow, Usage, UsageKey, UsageRow,
};
pub use aibridge_sqlite::SqliteStore;
pub use aibridge_store_core::query::{
    Filter, FullInterception, InterceptionRow, PromptRow, Summary, ThoughtRow, TokenSums, TokenUsageRow,
    ToolUsageRow,
};
pub use aibridge_store_core::retention::{Expired, ScanScope};
pub use aibridge_store_core::{
    CostUpdate, Durability, Heartbeat, JournalOptions, Options, PostgresOptions, StoreError, StoreOptions,
    Tls, tables,
};
pub use aibridge_tokens::{TokenIdentity, TokenRow};
pub use costs::Costs;
pub use inspection::problems;
pub use rollup::Rollup;
pub use store::Store;
pub use sweeper::Sweeper;
pub use tokens::Tokens;
