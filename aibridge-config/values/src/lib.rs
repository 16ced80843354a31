//! The values of settings: durations, sizes, addresses, URLs, credentials.
//!
//! Each module has a type or a function that reads one kind of value and says what to write instead of a wrong one. A
//! [`Report`](report::Report) collects such [`Problem`]s with their sources.
//!
//! ```
//! use aibridge_values::address;
//!
//! assert_eq!(address::parse("localhost:9000").unwrap().to_string(), "127.0.0.1:9000");
//! assert!(address::parse("nowhere").is_err());
//! ```

pub mod address;
pub mod base_url;
pub mod choice;
pub mod duration;
pub mod environment;
pub mod integer;
pub mod problem;
pub mod report;
pub mod scalar;
pub mod secret;
pub mod size;

pub use environment::Environment;
pub use problem::{ConfigError, Problem};
