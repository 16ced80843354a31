//! What was recorded, read back: filters, rows, and what is added up over them. Databases only say how rows are found.

mod columns;
mod filter;
mod records;
mod rows;
mod sessions;
mod stretch;
mod usage;

pub(crate) use columns::{listed, whole};
pub use filter::Filter;
pub(crate) use filter::first_id;
pub use records::{Order, Records};
pub use rows::{
    FullInterception, InterceptionRow, PromptRow, Summary, ThoughtRow, TokenSums, TokenUsageRow, ToolUsageRow,
};
pub use sessions::{SessionRow, Sessions};
pub(crate) use stretch::{BLOCK_BYTES, Block, IdRange, Place};
pub use usage::{Sums, Usage, UsageKey, UsageRow};
