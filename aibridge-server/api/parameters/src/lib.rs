//! The query parameters of the operators' HTTP API.
//!
//! Each struct declares parameters, also for the OpenAPI document. An endpoint takes the structs that it accepts from
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
pub use values::{MAX_WAIT_SECONDS, first_repeated};
