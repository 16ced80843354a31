//! The agreement of [`aibridge_store::tables`] with the schema on SQLite, with the JSON of queries, and with
//! `docs/records.md`; and the example queries of that document.

use crate::rows::{end, start_records};
use crate::support::TestDir;
use aibridge_recorder::Recorder;
use aibridge_store::tables::Table;
use aibridge_store::{Filter, FullInterception, Order, Records, StoreError, Tokens};
use serde_json::Value;
use tokio::task::spawn_blocking;

const DOCUMENT: &str = include_str!("../../../../docs/records.md");

/// The cells `name` and `type` of the table in the section of `table`.
pub(crate) fn documented(table: &str) -> Vec<(String, String)> {
    let section = DOCUMENT.split("\n## ").find(|section| section.starts_with(&format!("`{table}`")));
    let rows = section
        .unwrap_or_else(|| panic!("no section `{table}`"))
        .lines()
        .filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let mut cell = || cells.next().expect("a cell").trim_matches('`').to_owned();
        (cell(), cell())
    })
    .collect()
}

#[test]
fn every_column_of_every_table_is_documented() {
    let dir = TestDir::new();
    drop(Tokens::open(&dir.options()).expect("created"));
    let connection = dir.sql();
    let strings = |sql: &str, of: &str| -> Vec<(String, String)> {
        let mut statement = connection.prepare(sql).expect("SQL");
        let rows = statement.query_map([of], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    let tables = strings("SELECT name, type FROM sqlite_schema WHERE type = ?1 ORDER BY name", "table");
    assert_eq!(tables.len(), 9);
    for (table, _) in tables.into_iter().filter(|(table, _)| table != "aibridge_journal_positions") {
        let columns = strings(
            "SELECT name, type || iif(\"notnull\", '', ', null') FROM pragma_table_info(?1) ORDER BY cid",
            &table,
        );
        assert_eq!(documented(&table), columns, "docs/records.md, section `{table}`");
        let described = Table::ALL.into_iter().find(|described| described.name == table).expect("described");
        let null = |is_nullable| if is_nullable { ", null" } else { "" };
        let described: Vec<_> = described
            .columns
            .iter()
            .map(|column| {
                (column.name.to_owned(), column.kind.sqlite().to_owned() + null(column.is_nullable))
            })
            .collect();
        assert_eq!(described, columns, "src/tables, `{table}`");
    }
}

pub(crate) fn example_queries() -> Vec<&'static str> {
    let queries: Vec<_> =
        DOCUMENT.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(queries.len() >= 3);
    queries
}

#[test]
fn the_example_queries_work() {
    let dir = TestDir::new();
    drop(Tokens::open(&dir.options()).expect("created"));
    let connection = dir.sql();
    for query in example_queries() {
        connection.execute_batch(query).unwrap_or_else(|error| panic!("{error}\n{query}"));
    }
}

#[test]
fn the_document_has_the_tables_of_the_description() {
    for table in Table::ALL {
        let section =
            DOCUMENT.split("\n## ").find(|section| section.starts_with(&format!("`{}`", table.name)));
        let (section, expected) = (section.expect("a section"), table.markdown());
        assert!(
            section.contains(&expected),
            "docs/records.md, section `{}`, must have\n{expected}",
            table.name
        );
    }
}

/// The keys of a JSON object have to be the columns of a table, in any order.
fn assert_keys(table: &'static Table, row: &Value, others: &[&str]) {
    let mut expected: Vec<_> =
        table.returned().map(|column| column.name).chain(others.iter().copied()).collect();
    let mut keys: Vec<_> = row.as_object().expect("an object").keys().map(String::as_str).collect();
    expected.sort_unstable();
    keys.sort_unstable();
    assert_eq!(keys, expected, "{}", table.name);
}

#[tokio::test]
async fn queries_return_the_columns_of_the_description() {
    const CHILDREN: [&str; 4] = ["user_prompts", "token_usages", "tool_usages", "model_thoughts"];
    let dir = TestDir::new();
    let store = dir.open();
    store.record(start_records()).await.expect("stored");
    store.record(end()).await.expect("stored");
    let options = dir.options();
    let read = move || {
        let mut rows = Vec::new();
        let each = |row: FullInterception| {
            rows.push(serde_json::to_value(row).expect("JSON"));
            Ok::<_, StoreError>(true)
        };
        let records = Records::open(&options).expect("opened");
        records.full(&Filter::default(), Order::OldestFirst, each).expect("read");
        rows
    };
    let rows = spawn_blocking(read).await.expect("no panic");
    let [interceptions, children @ ..] = Table::ALL;
    assert_keys(interceptions, &rows[0], &CHILDREN);
    for (table, name) in children.into_iter().zip(CHILDREN) {
        assert!(table.name.ends_with(name), "{name}");
        assert_keys(table, &rows[0][name][0], &[]);
    }
    store.close().await;
}
