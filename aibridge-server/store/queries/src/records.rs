//! Reading access to the records of a store.

use aibridge_postgres::PostgresRecords;
use aibridge_sqlite::SqliteRecords;
use aibridge_store_core::query::next;
use aibridge_store_core::query::{Block, Cursor, Filter, FullInterception, Summary};
use aibridge_store_core::query::{CellKind, Cells, Dialect, Statement, Value, Values};
use aibridge_store_core::{StoreError, StoreOptions};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The most blocks of interceptions that one transaction searches, and the number of matches up to which it searches more
/// than one.
const MAX_BLOCKS: u32 = 32;
const FEW_ROWS: usize = 50;

/// The order in which a query returns interceptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Ascending ids, which is the order of creation.
    OldestFirst,
    /// Descending ids, latest first.
    NewestFirst,
}

/// The records of a store, for reading while gateways run on it.
///
/// A query reads a bounded range of interceptions at a time, each in a short transaction of its own. Memory does not
/// grow with the number of rows, and no long transaction keeps a write-ahead log from being reset. Records that are
/// stored during a query may or may not be in its result.
///
/// All methods block; a [cancellation token](Self::open_cancellable) ends a running one. On PostgreSQL they run a
/// Tokio runtime of their own, so they must not be called from within a runtime.
pub struct Records {
    kind: Kind,
    notes: Vec<String>,
}

enum Kind {
    Sqlite(SqliteRecords),
    Postgres(Box<PostgresRecords>),
}

impl Records {
    /// Opens an existing store, and brings it up to date with its journals. Records of a gateway that no longer runs are
    /// stored first; a running gateway has half a second to store what it has acknowledged. [`Self::notes`] names the
    /// journals whose records may be missing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`] and [`StoreError::NewerSchema`].
    pub fn open(options: impl Into<StoreOptions>) -> Result<Self, StoreError> {
        let options = options.into();
        let mut records = Self::open_cancellable(options.clone(), CancellationToken::new())?;
        records.notes = match (&records.kind, &options) {
            (Kind::Sqlite(records), StoreOptions::Sqlite(options)) => records.catch_up(options),
            (Kind::Postgres(records), StoreOptions::Postgres(options)) => records.catch_up(options),
            _ => Vec::new(),
        };
        Ok(records)
    }

    /// Messages for the user about records that may not be in the database yet.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Opens an existing store as it is. When `cancelled` is cancelled, a running query ends at once, in the database too,
    /// with [`StoreError::Cancelled`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`], [`StoreError::NewerSchema`] and [`StoreError::Cancelled`].
    pub fn open_cancellable(
        options: impl Into<StoreOptions>,
        cancelled: CancellationToken,
    ) -> Result<Self, StoreError> {
        let kind = match options.into() {
            StoreOptions::Sqlite(options) => Kind::Sqlite(SqliteRecords::open(&options, cancelled)?),
            StoreOptions::Postgres(options) => {
                Kind::Postgres(Box::new(PostgresRecords::open(&options, cancelled)?))
            }
        };
        Ok(Self { kind, notes: Vec::new() })
    }

    /// One interception with its prompts, token usages, tool calls and reasoning; `None` if the id is unknown.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn find(&self, id: Uuid) -> Result<Option<FullInterception>, StoreError> {
        match &self.kind {
            Kind::Sqlite(records) => records.find(id),
            Kind::Postgres(records) => records.find(id),
        }
    }

    /// Calls `each` with every interception that matches `filter` and its token totals, until `each` returns `false`.
    /// Long client-chosen texts are cut.
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
            |cursor, blocks| match &self.kind {
                Kind::Sqlite(records) => records.summaries(filter, cursor, blocks),
                Kind::Postgres(records) => records.summaries(filter, cursor, blocks),
            },
            each,
        )
    }

    /// Calls `each` with every interception that matches `filter` and all rows that belong to it, until `each`
    /// returns `false`.
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
            |cursor, _| match &self.kind {
                Kind::Sqlite(records) => records.full(filter, cursor),
                Kind::Postgres(records) => records.full(filter, cursor),
            },
            each,
        )
    }

    /// Number of interceptions that match `filter`.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn count(&self, filter: &Filter) -> Result<u64, StoreError> {
        let mut count = 0;
        walk(
            filter,
            Order::OldestFirst,
            |cursor, blocks| match &self.kind {
                Kind::Sqlite(records) => records.count(filter, cursor, blocks),
                Kind::Postgres(records) => records.count(filter, cursor, blocks),
            },
            |found: u64| {
                count += found;
                Ok::<_, StoreError>(true)
            },
        )?;
        Ok(count)
    }

    /// The start of the first interception; `None` if there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`].
    pub fn first_started_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT started_at FROM aibridge_interceptions ORDER BY id LIMIT 1".to_owned();
        let rows = self.select(&Values::default().statement(sql, [CellKind::Time]))?;
        rows.into_iter().next().map(|mut cells| cells.time()).transpose()
    }

    /// The id of the interception at `offset` from the beginning of a range of ids; `None` if the range has fewer.
    pub(super) fn id_at_offset(&self, range: (Uuid, Uuid), offset: i64) -> Result<Option<Uuid>, StoreError> {
        self.id_at(range, "ASC", offset)
    }

    /// The id of the interception at `offset` from the end of a range of ids; `None` if the range has fewer.
    pub(super) fn id_at_offset_from_end(
        &self,
        range: (Uuid, Uuid),
        offset: i64,
    ) -> Result<Option<Uuid>, StoreError> {
        self.id_at(range, "DESC", offset)
    }

    fn id_at(&self, (low, high): (Uuid, Uuid), order: &str, offset: i64) -> Result<Option<Uuid>, StoreError> {
        let mut values = Values::default();
        let (low, high) = (values.bind(Value::Id(low)), values.bind(Value::Id(high)));
        let sql = format!(
            "SELECT id FROM aibridge_interceptions WHERE id >= {low} AND id <= {high} ORDER BY id {order} \
             LIMIT 1 OFFSET {}",
            values.bind(Value::Count(offset))
        );
        let rows = self.select(&values.statement(sql, [CellKind::Id]))?;
        rows.into_iter().next().map(|mut cells| cells.id()).transpose()
    }

    /// The dialect of the database.
    pub(super) fn dialect(&self) -> Dialect {
        match &self.kind {
            Kind::Sqlite(_) => Dialect::Sqlite,
            Kind::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The rows of a statement, in a transaction of its own.
    pub(super) fn select(&self, statement: &Statement) -> Result<Vec<Cells>, StoreError> {
        match &self.kind {
            Kind::Sqlite(records) => records.select(statement),
            Kind::Postgres(records) => records.select(statement),
        }
    }
}

fn walk<T, E: From<StoreError>>(
    filter: &Filter,
    order: Order,
    read: impl Fn(Cursor, u32) -> Result<Block<T>, StoreError>,
    mut each: impl FnMut(T) -> Result<bool, E>,
) -> Result<(), E> {
    let (first, last) = filter.ids();
    let mut cursor = match order {
        Order::OldestFirst => Cursor::After(first),
        Order::NewestFirst => Cursor::Before(next(last)),
    };
    let mut blocks = 1;
    loop {
        let block = read(cursor, blocks)?;
        // Where few interceptions match, a transaction searches more of them.
        blocks = if block.rows.len() <= FEW_ROWS { (blocks * 2).min(MAX_BLOCKS) } else { 1 };
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
