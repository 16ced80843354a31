//! The schemas of the response bodies, for the OpenAPI document. The store serializes its rows itself; a test validates the
//! responses against these schemas.

mod interception;
mod key;
mod problem;
mod sums;

pub use interception::{
    CredentialKind, ExtraValue, FullInterception, Interception, InterceptionPage, InterceptionSummary,
    ModelThought, Outcome, TokenUsage, ToolUsage, UserPrompt,
};
pub use key::{CoolingCause, CoolingModel, Key, KeyList, KeyStateName};
pub use problem::{NotFound, Problem, ProblemDetail, Refusals};
pub use sums::{Session, SessionPage, Sums, Tokens, UsageList, UsageRow};
