//! The rows of a database, grouped by interception.

use serde_json::Value;

/// The bytes at the start of a prompt that are compared. Of the rest, only the length is compared.
pub const PROMPT_START: usize = 60;

/// An interception with its rows.
#[derive(Debug, Default)]
pub struct Record {
    /// The id of the interception.
    pub id: String,
    /// The number of the request, `None` if no client of the scene sent it.
    pub number: Option<u64>,
    /// The outcome; `None` while the interception is open.
    pub outcome: Option<String>,
    /// The error type of a failed interception.
    pub error_type: Option<String>,
    /// The start and the length of each prompt.
    pub prompts: Vec<(String, u64)>,
    /// Input, cached and output tokens of each usage.
    pub usages: Vec<[u64; 3]>,
    /// Id, name and input of each tool call.
    pub tools: Vec<(String, String, Value)>,
    /// The number of recorded thoughts.
    pub thoughts: usize,
}

/// All records of a database.
#[derive(Debug, Default)]
pub struct Records {
    /// The interceptions, each with its rows.
    pub interceptions: Vec<Record>,
    /// The number of rows whose interception does not exist.
    pub strays: usize,
    /// The number of rows of all tables.
    pub rows: usize,
}
