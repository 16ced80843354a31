//! Where records are kept: the [`Recorder`](aibridge_recorder::Recorder) on SQLite and on PostgreSQL, and the gateway's
//! tokens.
//!
//! [Open](Store::open) a store and give it to the gateway. An embedded one, in a file, is served by two threads. One
//! *writes*: whatever
//! records have queued up while it wrote become its next transaction, so that many requests share one commit, and
//! every caller is answered once its records are durable, in the sense of [`Durability`]. A caller whose records
//! contradict what is stored fails alone; one that stopped waiting is skipped; and when the disk is full or another
//! process holds the lock, all are refused until it works again. The other thread *reads*: it finds out whose
//! gateway token a request carries, unless that was known a quarter of a second ago.
//!
//! A gateway that dies leaves interceptions open. The next one that is alone on the file closes them.
//!
//! A [`PostgresStore`] does the same with tasks and connections, for several gateways at once: each tells the others by
//! a heartbeat that it lives, and what a dead one left open is closed by one of them. While the database is away,
//! records can wait in a *spool* of local files, from where they are stored in order when it is back.
//!
//! The command line makes and revokes [`Tokens`] beside a running gateway. Of a token only the SHA-256 is stored.
//! All tables and columns are described in `docs/records.md`.
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
//! store.record(vec![Record::Started(interception.into()), Record::Prompt(prompt)]).await?;
//! // Both are durable now, and any SQLite can read them.
//!
//! let asked: String = rusqlite::Connection::open(&path)?.query_row(
//!     "SELECT initiator_id || ': ' || prompt
//!      FROM aibridge_interceptions i JOIN aibridge_user_prompts p ON p.interception_id = i.id",
//!     [],
//!     |row| row.get(0),
//! )?;
//! assert_eq!(asked, "ada: What does this function do?");
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
mod sqlite;
mod storable;
mod store;
mod sweeper;
mod token;
mod token_cache;
mod tokens;

pub use error::StoreError;
pub use options::{Durability, Heartbeat, Options, PostgresOptions, SpoolOptions, StoreOptions, Tls};
pub use postgres::{KeyCooldown, PostgresStore};
pub use query::{
    Filter, FullInterception, InterceptionRow, Order, PromptRow, Records, SessionRow, Sessions, Summary,
    Sums, ThoughtRow, TokenSums, TokenUsageRow, ToolUsageRow, Usage, UsageKey, UsageRow,
};
pub use retention::{Expired, ScanScope};
pub use sqlite::SqliteStore;
pub use store::Store;
pub use sweeper::Sweeper;
pub use token::{TokenIdentity, TokenRow};
pub use tokens::Tokens;
