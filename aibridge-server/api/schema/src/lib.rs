//! The response bodies of the operators' HTTP API, described for its OpenAPI document.
//!
//! `aibridge-api` serializes some of them; the store serializes its rows itself. A test validates every response against these
//! schemas.
//!
//! It contains data types only, for `aibridge-api`, so it has no example: that of `aibridge-api` prints the whole document.

mod budget;
mod gateway;
mod interception;
mod key;
mod problem;
mod session;
mod sums;
mod totals;

pub use budget::{Amount, BudgetList, BudgetRow, Me, RefusalRow, SpendRow, Spent};
pub use gateway::{
    AccessToken, AccessTokenList, AuthModeName, Circuit, CircuitStateName, NewAccessToken,
    NewAccessTokenRequest, ProviderList, ProviderName, ProviderRow, Status,
};
pub use interception::{
    CredentialKind, ExtraValue, FullInterception, Interception, InterceptionPage, InterceptionSummary,
    ModelThought, Outcome, TokenUsage, ToolUsage, UserPrompt,
};
pub use key::{CoolingCause, CoolingModel, Key, KeyList, KeyRevival, KeyStateName};
pub use problem::{NotFound, Problem, ProblemDetail, Refusals};
pub use session::{
    Content, ContentKind, Excerpt, LivePage, Match, MatchList, SessionDetail, TimelinePage, TimelineStep,
    TimelineToolCall,
};
pub use sums::{ListedSession, Session, SessionPage, Sums, Tokens, UsageList, UsageRow};
pub use totals::{FacetList, FacetValue, ToolCount, ToolList, TotalsList, TotalsRow};
