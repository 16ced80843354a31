//! Schemas of totals, tools and facets.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// The totals of groups.
#[derive(Serialize, ToSchema)]
pub struct TotalsList {
    /// One row for each group, ordered by time.
    pub data: Vec<TotalsRow>,
    /// Always `null`: the list is not paged.
    #[schema(required)]
    pub next_cursor: Option<String>,
    /// The zone in which hours and days begin.
    #[schema(example = "UTC")]
    pub time_zone: String,
}

/// The totals of one group. The row has the keys that the request groups by, unless it is a sum of other groups.
#[derive(Serialize, ToSchema)]
pub struct TotalsRow {
    /// The start of the hour or day; absent without an interval.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "time")]
    pub at: Option<Timestamp>,
    /// The actor: the user of the access token, or `anonymous`.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The model, as the client spelled it, at most 200 characters of it.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The configured name of the provider.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The name of the client program.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// The outcome; `open` if the interceptions have not ended.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The cause of the failure; empty if there is none.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// Whether the row is the sum of the groups that have no rows of their own.
    pub is_rest: bool,
    /// The number of interceptions.
    pub requests: u64,
    /// The number of failed interceptions.
    pub failed: u64,
    /// The number of interceptions whose client disconnected before the end.
    pub cancelled: u64,
    /// The number of interceptions that have ended.
    pub ended: u64,
    /// The sum of the durations of those that have ended, in milliseconds.
    pub duration_ms: u64,
    /// Input that was neither read from the provider's cache nor written to it.
    pub input_tokens: i64,
    /// Output, including reasoning.
    pub output_tokens: i64,
    /// Input that was read from the provider's cache.
    pub cache_read_input_tokens: i64,
    /// Input that was written to the provider's cache.
    pub cache_write_input_tokens: i64,
    /// The sum of the costs in billionths of a US dollar; `null` if no response has a cost.
    #[schema(required)]
    pub cost_nano_usd: Option<i64>,
    /// The number of responses without a cost.
    pub unpriced: u64,
}

/// The most used tools.
#[derive(ToSchema)]
pub struct ToolList {
    /// The tools, most calls first.
    pub data: Vec<ToolCount>,
    /// Always `null`: the list is not paged.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// The calls of one tool.
#[derive(ToSchema)]
pub struct ToolCount {
    /// The name of the tool, at most 200 characters of it.
    pub tool: String,
    /// The number of calls.
    pub calls: u64,
    /// The number of calls of an injected tool that failed.
    pub failed: u64,
}

/// The values that filters can have, each list with the most frequent first.
#[derive(Serialize, ToSchema)]
pub struct FacetList {
    /// The actors on whose behalf requests were made.
    pub user: Vec<FacetValue>,
    /// The models as clients spelled them.
    pub model: Vec<FacetValue>,
    /// The configured names of the providers.
    pub provider: Vec<FacetValue>,
    /// The client programs, by their names.
    pub client: Vec<FacetValue>,
}

/// A value of a filter.
#[derive(Serialize, ToSchema)]
pub struct FacetValue {
    /// The value, as the filter needs it.
    pub value: String,
    /// The number of interceptions with it.
    pub requests: u64,
}

fn time<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.collect_str(&format_args!("{at:.3}")),
        None => serializer.serialize_none(),
    }
}
