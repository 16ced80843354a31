//! The query parameters of the operators' HTTP API.
//!
//! An endpoint declares its parameters as structs, from which the OpenAPI document describes them, and takes them from a
//! [`QueryParameters`]. Parsing is strict: a misspelled filter is an error, because ignoring it would return everything.
//!
//! [`time`] also parses the times in the arguments of commands.

mod invalid_parameter;
mod parameters;
mod query_parameters;
pub mod time;
mod values;

pub use invalid_parameter::{InvalidParameter, invalid};
pub use parameters::{
    ContentParameters, FilterParameters, IntervalParameter, LimitParameters, LiveParameters,
    OutcomeParameter, PageParameters, SearchParameters, SessionParameters, TimelineParameters,
    TotalsParameters, UsageParameters, UserParameter,
};
pub use query_parameters::QueryParameters;
pub use values::first_repeated;
