//! Queries over the records of a store: [lists](Records), sessions with their steps, and totals. Each is written once, for
//! both databases; only the pages of interceptions are statements of `aibridge-sqlite` and `aibridge-postgres`.

mod chunks;
mod conditions;
mod contents;
mod recorded_usages;
mod records;
mod rolled;
mod session_pages;
mod sessions;
mod spending;
mod summaries_by_id;
mod time_segments;
mod timeline;
mod tools;
mod totals;
mod usage;

pub use contents::{Content, ContentKind, Match};
pub use recorded_usages::RecordedUsage;
pub use records::{Order, Records};
pub use sessions::{SessionRow, Sessions};
pub use spending::{OwnRecords, Spending, SpendingQuery};
pub use time_segments::Interval;
pub use timeline::{Excerpt, SessionRef, SessionSummary, Step, ToolCall};
pub use tools::ToolCount;
pub use totals::{Totals, TotalsKey, TotalsQuery, TotalsRow};
pub use usage::{Sums, Usage, UsageKey, UsageRow};
