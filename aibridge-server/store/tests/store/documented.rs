//! The agreement of `docs/records.md` with the schema, and its example queries.

use crate::support::TestDir;
use aibridge_store::Tokens;

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
    assert_eq!(tables.len(), 7);
    for (table, _) in tables {
        let columns = strings(
            "SELECT name, type || iif(\"notnull\", '', ', null') FROM pragma_table_info(?1) ORDER BY cid",
            &table,
        );
        assert_eq!(documented(&table), columns, "docs/records.md, section `{table}`");
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
