//! Pagination by id: each transaction reads a bounded range of ids.

use super::Filter;
use super::filter::{next, previous};
use uuid::Uuid;

/// The position from which a query continues, and its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// Ascending ids, greater than this one.
    After(Uuid),
    /// Descending ids, less than this one.
    Before(Uuid),
}

/// A range of ids, both bounds inclusive, with the order of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRange {
    /// The smallest id of the range.
    pub low: Uuid,
    /// The largest id of the range.
    pub high: Uuid,
    /// `ASC` or `DESC`.
    pub order: &'static str,
    /// The id from which the next range continues; `None` if this range is the last.
    pub last: Option<Uuid>,
}

impl IdRange {
    /// All ids from `cursor` on that may match `filter`.
    pub fn from_cursor(filter: &Filter, cursor: Cursor) -> Self {
        let (first, last) = filter.ids();
        let (low, high, order) = match cursor {
            Cursor::After(id) => (next(id).max(first), last, "ASC"),
            Cursor::Before(id) => (first, previous(id).min(last), "DESC"),
        };
        Self { low, high, order, last: None }
    }

    /// The range cut at `end`, which the next range continues from. Unchanged without `end`.
    pub fn ending_at(self, end: Option<Uuid>) -> Self {
        match (end, self.order) {
            (None, _) => self,
            (Some(end), "ASC") => Self { high: end, last: Some(end), ..self },
            (Some(end), _) => Self { low: end, last: Some(end), ..self },
        }
    }

    /// SQL for the id at an offset in the range. Parameters: low, high, offset.
    pub fn end_sql(&self) -> String {
        format!(
            "SELECT id FROM aibridge_interceptions WHERE id >= $1 AND id <= $2 ORDER BY id {} LIMIT 1 OFFSET $3",
            self.order
        )
    }
}

/// Approximate limit in bytes for the full interceptions of one block; the last row may exceed it.
pub const BLOCK_BYTES: usize = 8 << 20;

/// The matching rows in a bounded range of ids.
#[derive(Debug)]
pub struct Block<T> {
    /// The rows, in the order of reading.
    pub rows: Vec<T>,
    /// The last id of the range; `None` if no ids follow.
    pub last: Option<Uuid>,
}
