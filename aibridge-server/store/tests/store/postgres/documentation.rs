//! The agreement of [`aibridge_store::tables`] with the schema on PostgreSQL.

use super::{open, options};
use crate::documentation::example_queries;
use aibridge_store::tables::{Column, Kind, Table};
use aibridge_testkit::Postgres;

/// The type of a column as PostgreSQL reports it.
fn reported(column: &Column) -> String {
    let kind = match column.kind {
        Kind::Time => "timestamp with time zone",
        kind => kind.postgres(),
    };
    if column.is_nullable { format!("{kind}, null") } else { kind.to_owned() }
}

#[tokio::test]
async fn every_column_matches_its_documentation() {
    let Some(server) = Postgres::start().await else { return };
    open(options(&server)).await.close().await;
    let sql = "SELECT table_name AS t, column_name AS c, \
                      data_type || CASE is_nullable WHEN 'YES' THEN ', null' ELSE '' END AS k \
               FROM information_schema.columns WHERE table_schema = 'public' ORDER BY t, ordinal_position";
    let columns = server.query(sql).await;
    let mut tables: Vec<_> = columns.iter().map(|row| row["t"].as_str().expect("a name")).collect();
    tables.dedup();
    assert_eq!(tables.len(), 12, "{tables:?}");
    for table in tables {
        let mut found: Vec<_> = columns
            .iter()
            .filter(|row| row["t"] == table)
            .map(|row| (row["c"].as_str().expect("a name"), row["k"].as_str().expect("a type")))
            .collect();
        match table {
            "aibridge_instances"
            | "aibridge_journal_positions"
            | "aibridge_key_cooldowns"
            | "aibridge_schema" => continue,
            "aibridge_interceptions" => assert_eq!(found.pop(), Some(("instance_id", "uuid"))),
            _ => {}
        }
        let described = Table::ALL.into_iter().find(|described| described.name == table).expect("described");
        let expected: Vec<_> =
            described.columns.iter().map(|column| (reported(column), column.name.to_owned())).collect();
        let found: Vec<_> =
            found.into_iter().map(|(name, kind)| (kind.to_owned(), name.to_owned())).collect();
        assert_eq!(found, expected, "{table}");
    }
    let time = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 days')";
    for query in example_queries() {
        server.execute(&query.replace(time, "now() - interval '30 days'")).await;
    }
}
