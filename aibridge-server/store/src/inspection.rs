//! The problems of a store for `aibridge check`: damage of its journals, and records that the database refused.

use crate::{JournalOptions, StoreOptions};
use aibridge_journal::{Fault, inspect};
use aibridge_postgres::PostgresRecords;
use aibridge_projector::journals::candidates;
use aibridge_sqlite::SqliteRecords;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Reads the journals and the database, and returns one sentence for each problem. An unreadable part is no problem: it may
/// not exist yet. Blocks, and must not be called from within a runtime.
pub fn problems(options: &StoreOptions) -> Vec<String> {
    let (journal, rejected) = match options {
        StoreOptions::Sqlite(options) => {
            let records = SqliteRecords::open(options, CancellationToken::new());
            (&options.journal, records.and_then(|records| records.rejected()))
        }
        StoreOptions::Postgres(options) => {
            let records = PostgresRecords::open_within(options, options.timeout, CancellationToken::new());
            (&options.journal, records.and_then(|records| records.rejected()))
        }
    };
    let mut problems = damages(journal);
    if let Ok(rejected @ 1..) = rejected {
        problems.push(format!(
            "the database refused {rejected} records for their content; look at the table aibridge_rejected_records"
        ));
    }
    problems
}

fn damages(options: &JournalOptions) -> Vec<String> {
    candidates(&options.directory).flat_map(|directory| damages_in(&directory)).collect()
}

fn damages_in(directory: &Path) -> Vec<String> {
    let shown = directory.display();
    let found = match inspect(directory) {
        Ok(Some(found)) => found,
        Ok(None) => return Vec::new(),
        Err(error) => return vec![format!("cannot look at the journal {shown}: {error}")],
    };
    let damage = found.recovery.damage.iter().filter(|damage| damage.fault != Fault::Unknown);
    let mut problems: Vec<String> =
        damage.map(|damage| format!("the journal {shown} is damaged: {damage}")).collect();
    problems.extend(found.kept_aside.iter().map(|file| {
        format!("the journal {shown} was damaged: {file} is kept, remove it when nobody needs it any more")
    }));
    problems
}
