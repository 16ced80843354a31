//! The agreement of `docs/records.md` with the schema on PostgreSQL.

use super::{open, options};
use crate::documented::{documented, example_queries};
use aibridge_testkit::Postgres;

/// The PostgreSQL type of a column, given its documented SQLite type.
fn kind(name: &str, sqlite: &str) -> String {
    let (kind, null) = sqlite.strip_suffix(", null").map_or((sqlite, false), |kind| (kind, true));
    let kind = match (name, kind) {
        ("id" | "interception_id", _) => "uuid",
        ("metadata" | "extra_token_types", _) => "jsonb",
        ("streaming" | "injected" | "admin", _) => "boolean",
        ("upstream_status", _) => "integer",
        ("hash", _) => "bytea",
        (time, _) if time.ends_with("_at") => "timestamp with time zone",
        (_, "INTEGER") => "bigint",
        _ => "text",
    };
    if null { format!("{kind}, null") } else { kind.to_owned() }
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
    assert_eq!(tables.len(), 10, "{tables:?}");
    for table in tables {
        let mut found: Vec<_> = columns
            .iter()
            .filter(|row| row["t"] == table)
            .map(|row| (row["c"].as_str().expect("a name"), row["k"].as_str().expect("a type")))
            .collect();
        let expected = match table {
            "aibridge_instances" | "aibridge_key_cooldowns" | "aibridge_schema" => continue,
            "aibridge_interceptions" => {
                assert_eq!(found.pop(), Some(("instance_id", "uuid")));
                documented(table)
            }
            _ => documented(table),
        };
        let expected: Vec<_> =
            expected.into_iter().map(|(name, sqlite)| (kind(&name, &sqlite), name)).collect();
        let found: Vec<_> =
            found.into_iter().map(|(name, kind)| (kind.to_owned(), name.to_owned())).collect();
        assert_eq!(found, expected, "{table}");
    }
    let time = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-30 days')";
    for query in example_queries() {
        server.execute(&query.replace(time, "now() - interval '30 days'")).await;
    }
}
