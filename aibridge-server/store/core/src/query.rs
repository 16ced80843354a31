//! The parts that queries over the records share: filters, row types, pagination by id range, and statements for both
//! databases.

mod columns;
mod filter;
mod id_range;
mod period_sums;
mod row_reader;
mod rows;
mod statement;

pub use columns::{JsonAsText, child_columns, full_columns, list_columns};
pub use filter::{Filter, first_id, next, previous};
pub use id_range::{BLOCK_BYTES, Block, Cursor, IdRange};
pub use period_sums::{PERIOD_SECONDS, ROLLUP_TRIGGERS, period_requests, period_tools, period_usages};
pub use row_reader::RowReader;
pub use rows::{
    FullInterception, InterceptionRow, PromptRow, Summary, ThoughtRow, TokenSums, TokenUsageRow,
    ToolUsageRow, optional_time, time,
};
pub use statement::{Cell, CellKind, Cells, Dialect, Statement, Value, Values};
