use super::Filter;
use super::filter::{next, previous};
use uuid::Uuid;

/// Where reading goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// Towards later ones, behind this id.
    After(Uuid),
    /// Towards earlier ones, before this id.
    Before(Uuid),
}

/// A range of ids, both included, and the order in which it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IdRange {
    pub(crate) low: Uuid,
    pub(crate) high: Uuid,
    /// As SQL says it.
    pub(crate) order: &'static str,
    /// Behind which the next begins, if there may be one.
    pub(crate) last: Option<Uuid>,
}

impl IdRange {
    /// All that may be meant from `place` on.
    pub(crate) fn from_cursor(filter: &Filter, cursor: Cursor) -> Self {
        let (first, last) = filter.ids();
        let (low, high, order) = match cursor {
            Cursor::After(id) => (next(id).max(first), last, "ASC"),
            Cursor::Before(id) => (first, previous(id).min(last), "DESC"),
        };
        Self { low, high, order, last: None }
    }

    /// What of it is read at once: up to `end`, or all of it.
    pub(crate) fn ending_at(self, end: Option<Uuid>) -> Self {
        match (end, self.order) {
            (None, _) => self,
            (Some(end), "ASC") => Self { high: end, last: Some(end), ..self },
            (Some(end), _) => Self { low: end, last: Some(end), ..self },
        }
    }

    /// Asks for the id behind so many others, with the parameters low, high, and how many.
    pub(crate) fn end_sql(&self) -> String {
        format!(
            "SELECT id FROM aibridge_interceptions WHERE id >= $1 AND id <= $2 ORDER BY id {} LIMIT 1 OFFSET $3",
            self.order
        )
    }
}

/// How many bytes of whole interceptions are read at once, about: one more row than fits.
pub(crate) const BLOCK_BYTES: usize = 8 << 20;

/// What was found in a bounded range of all interceptions.
#[derive(Debug)]
pub(crate) struct Block<T> {
    /// In the order of reading.
    pub(crate) rows: Vec<T>,
    /// The last id that was looked at; `None` if there is nothing beyond.
    pub(crate) last: Option<Uuid>,
}
