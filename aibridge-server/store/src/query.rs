//! Queries over the records: filters, row types, pagination by id range, and totals. The SQL of each database is in
//! `sqlite::records` and `postgres::records`.

mod columns;
mod conditions;
mod contents;
mod filter;
mod id_range;
mod records;
mod rolled;
mod row_reader;
mod rows;
mod session_pages;
mod sessions;
mod spending;
mod statement;
mod summaries_by_id;
mod time_segments;
mod timeline;
mod tools;
mod totals;
mod usage;

pub(crate) use columns::{child_columns, full_columns, list_columns};
pub use contents::{Content, ContentKind, Match};
pub use filter::Filter;
pub(crate) use filter::first_id;
pub(crate) use id_range::{BLOCK_BYTES, Block, Cursor, IdRange};
pub use records::{Order, Records};
pub(crate) use rolled::PERIOD_SECONDS;
pub(crate) use row_reader::RowReader;
pub use rows::{
    FullInterception, InterceptionRow, PromptRow, Summary, ThoughtRow, TokenSums, TokenUsageRow, ToolUsageRow,
};
pub use sessions::{SessionRow, Sessions};
pub use spending::Spending;
pub(crate) use statement::{Cell, CellKind, Cells, Statement, Value};
pub use time_segments::Interval;
pub use timeline::{Excerpt, SessionRef, SessionSummary, Step, ToolCall};
pub use tools::ToolCount;
pub(crate) use totals::sqlite_cost_sums;
pub use totals::{Totals, TotalsKey, TotalsQuery, TotalsRow};
pub use usage::{Sums, Usage, UsageKey, UsageRow};
