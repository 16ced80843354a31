//! The shapes of answers, as the document has them. Rows are those of the store, which writes them itself; a test holds
//! what is answered against these.

mod interception;
mod key;
mod problem;
mod sums;

pub use interception::{
    CredentialKind, FullInterception, Interception, InterceptionPage, InterceptionSummary, ModelThought,
    Outcome, TokenUsage, ToolUsage, UserPrompt,
};
pub use key::{CoolingCause, CoolingModel, Key, KeyList, KeyStateName};
pub use problem::{NotFound, Problem, ProblemDetail, Refusals};
pub use sums::{Session, SessionPage, Sums, Tokens, UsageList, UsageRow};
