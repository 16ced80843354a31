use super::filter::next;
use super::{Block, Cursor, Filter, FullInterception, Summary};
use crate::postgres::PostgresRecords;
use crate::sqlite::SqliteRecords;
use crate::{StoreError, StoreOptions};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// In which order interceptions are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The order in which they were made.
    OldestFirst,
    /// The other way round.
    NewestFirst,
}

/// The records of a store, for reading beside whatever gateway lives on it.
///
/// Reading goes through a bounded range of interceptions at a time, each a short transaction of its own: however much
/// there is, memory stays the same, and no write-range log has to be kept for a reader. What is recorded meanwhile may be
/// seen or not.
///
/// Its calls block; [giving up](Self::open_cancellable) ends one that is under way. On PostgreSQL they run a runtime of their own, so that they must not be used inside of another.
pub struct Records(Kind);

enum Kind {
    Sqlite(SqliteRecords),
    Postgres(Box<PostgresRecords>),
}

impl Records {
    /// Opens the store, which has to exist.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`].
    pub fn open(options: impl Into<StoreOptions>) -> Result<Self, StoreError> {
        Self::open_cancellable(options, CancellationToken::new())
    }

    /// Likewise. When `cancelled` is cancelled, whatever is under way ends at once, in the database too, with
    /// [`StoreError::Cancelled`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`], [`StoreError::NewerSchema`] and [`StoreError::Cancelled`].
    pub fn open_cancellable(
        options: impl Into<StoreOptions>,
        cancelled: CancellationToken,
    ) -> Result<Self, StoreError> {
        Ok(Self(match options.into() {
            StoreOptions::Sqlite(options) => Kind::Sqlite(SqliteRecords::open(&options, cancelled)?),
            StoreOptions::Postgres(options) => {
                Kind::Postgres(Box::new(PostgresRecords::open(&options, cancelled)?))
            }
        }))
    }

    /// One interception with all that belongs to it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn find(&self, id: Uuid) -> Result<Option<FullInterception>, StoreError> {
        match &self.0 {
            Kind::Sqlite(records) => records.find(id),
            Kind::Postgres(records) => records.find(id),
        }
    }

    /// Gives `each` the interceptions that `filter` means, with what they cost, until it says `false`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`], or what `each` returned.
    pub fn summaries<E: From<StoreError>>(
        &self,
        filter: &Filter,
        order: Order,
        each: impl FnMut(Summary) -> Result<bool, E>,
    ) -> Result<(), E> {
        walk(
            filter,
            order,
            |cursor| match &self.0 {
                Kind::Sqlite(records) => records.summaries(filter, cursor),
                Kind::Postgres(records) => records.summaries(filter, cursor),
            },
            each,
        )
    }

    /// Likewise, with all that belongs to them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`], or what `each` returned.
    pub fn full<E: From<StoreError>>(
        &self,
        filter: &Filter,
        order: Order,
        each: impl FnMut(FullInterception) -> Result<bool, E>,
    ) -> Result<(), E> {
        walk(
            filter,
            order,
            |cursor| match &self.0 {
                Kind::Sqlite(records) => records.full(filter, cursor),
                Kind::Postgres(records) => records.full(filter, cursor),
            },
            each,
        )
    }

    /// How many interceptions `filter` means now.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn count(&self, filter: &Filter) -> Result<u64, StoreError> {
        let mut count = 0;
        walk(
            filter,
            Order::OldestFirst,
            |cursor| match &self.0 {
                Kind::Sqlite(records) => records.count(filter, cursor),
                Kind::Postgres(records) => records.count(filter, cursor),
            },
            |found: u64| {
                count += found;
                Ok::<_, StoreError>(true)
            },
        )?;
        Ok(count)
    }
}

fn walk<T, E: From<StoreError>>(
    filter: &Filter,
    order: Order,
    read: impl Fn(Cursor) -> Result<Block<T>, StoreError>,
    mut each: impl FnMut(T) -> Result<bool, E>,
) -> Result<(), E> {
    let (first, last) = filter.ids();
    let mut cursor = match order {
        Order::OldestFirst => Cursor::After(first),
        Order::NewestFirst => Cursor::Before(next(last)),
    };
    loop {
        let block = read(cursor)?;
        for row in block.rows {
            if !each(row)? {
                return Ok(());
            }
        }
        let Some(last) = block.last else { return Ok(()) };
        cursor = match order {
            Order::OldestFirst => Cursor::After(last),
            Order::NewestFirst => Cursor::Before(last),
        };
    }
}
