//! Persistent storage of a gateway: the [`Recorder`](aibridge_recorder::Recorder) on SQLite and on PostgreSQL,
//! queries over the records, their retention, and access tokens.
//!
//! [Open](Store::open) a store and pass it to the gateway. A [`SqliteStore`] keeps everything in one file and runs
//! two threads. The *writer* stores the records that queued up during its last transaction in the next one, so that
//! many requests share one commit. A call returns when its records are durable in the sense of [`Durability`]. A call
//! whose records conflict with stored rows fails alone. A call whose caller stopped waiting is skipped. When the disk
//! is full or another process holds the write lock, all calls fail until the database accepts writes again. The
//! *reader* looks up access tokens and caches the result for a quarter of a second.
//!
//! A gateway that crashes leaves interceptions open. The next gateway that starts with exclusive access to the file
//! closes them.
//!
//! A [`PostgresStore`] does the same with tasks and connections, and several gateways may share its database. Each
//! instance writes a heartbeat; the other instances close the interceptions of an instance whose heartbeat stops.
//! While the database is unavailable, records can wait in a *spool* of local files, which is drained in order when
//! the database is back.
//!
//! The command line creates and revokes [`Tokens`] while gateways run. Only the SHA-256 of a token is stored.
//! `docs/records.md` describes all tables and columns for operators.
//!
//! ```
//! use aibridge_recorder::{CredentialKind, Interception, Record, Recorder, UserPrompt};
//! use aibridge_store::{Durability, Options, SqliteStore};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! let path = directory.path().join("aibridge.db");
//! let store = SqliteStore::open(Options { path: path.clone(), durability: Durability::Process })?;
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
//! // Both are durable now, and any SQLite client can read them.
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

mod error;
mod job;
mod observe;
mod options;
mod postgres;
mod private_file;
mod probe;
mod query;
mod retention;
mod rollup;
mod sqlite;
mod storable;
mod store;
mod sweeper;
pub mod tables;
mod token;
mod token_cache;
mod tokens;

pub use error::StoreError;
pub use options::{Durability, Heartbeat, Options, PostgresOptions, SpoolOptions, StoreOptions, Tls};
pub use postgres::{KeyCooldown, PostgresStore};
pub use query::{
    Content, ContentKind, Excerpt, Filter, FullInterception, InterceptionRow, Interval, Match, Order,
    PromptRow, Records, SessionRef, SessionRow, SessionSummary, Sessions, Step, Summary, Sums, ThoughtRow,
    TokenSums, TokenUsageRow, ToolCall, ToolCount, ToolUsageRow, Totals, TotalsKey, TotalsQuery, TotalsRow,
    Usage, UsageKey, UsageRow,
};
pub use retention::{Expired, ScanScope};
pub use rollup::Rollup;
pub use sqlite::SqliteStore;
pub use store::Store;
pub use sweeper::Sweeper;
pub use token::{TokenIdentity, TokenRow};
pub use tokens::Tokens;
