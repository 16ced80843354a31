//! The command line, and the commands that read and manage the store.
//!
//! [`args`] parses the command line. [`records`] implements `interceptions`, `usage`, `sessions` and `export`, and [`tokens`]
//! implements `token`. These commands open the store themselves, and a gateway may be running at the same time. [`budgets`]
//! asks the gateway on this machine first, and [`prices`] reads the price table and recomputes costs. [`launch`] lists the settings that an
//! agent needs to use the gateway. `serve`, `check` and `run` are in `aibridge-server`, which also loads the settings and
//! converts them to the options of the store.

pub mod args;
pub mod budgets;
pub mod health;
pub mod launch;
pub mod output;
pub mod prices;
pub mod records;
pub mod tokens;

mod local_gateway;
mod text_table;
