//! Records with texts that a page must show literally: tags, scripts, escapes, bytes that are not UTF-8.

use anyhow::{Result, ensure};
use rusqlite::{Connection, params};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// A text that a page must show literally: tags, a URL, a terminal escape, a direction mark.
const TEXT: &str =
    "<script>alert(1)</script><img src=x onerror=alert(2)> javascript:alert(3) \u{1b}[31m \u{202e} \u{fffd} ";

/// The same as the name of a user, which has no control characters.
pub(super) const USER: &str =
    "<script>alert(1)</script><img src=x onerror=alert(2)> javascript:alert(3) \u{202e} \u{fffd}";

/// The size of the longest texts in bytes.
const LONG: usize = 10 << 20;

/// Bytes that are not UTF-8 around a tag, as SQL: an invalid byte, a torn sequence, a surrogate.
const NOT_UTF_8: &str = "CAST(X'3C623EFFC328EDA0803C2F623E' AS TEXT)";

/// A response of a provider with a tool call whose texts are hostile and not UTF-8.
pub(super) const COMPLETION: &[u8] = b"{\"id\":\"chatcmpl-2\",\"object\":\"chat.completion\",\"model\":\"gpt-5\",\"choices\":[{\"index\":0,\
    \"message\":{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\
    \"name\":\"<b>\xff\xc3(</b>\",\"arguments\":\"<img src=x onerror=alert(6)> \xed\xa0\x80\"}}]},\"finish_reason\":\"tool_calls\"}],\
    \"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1,\"total_tokens\":10}}";

/// Records two interceptions and returns their ids: one with the hostile text in every column and 10 MB of it in the
/// longest ones, and one with texts that are not UTF-8, as another program may write them to the file.
pub(super) fn insert(path: &Path) -> Result<[String; 2]> {
    let connection = Connection::open(path)?;
    let millis = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())? - 60_000;
    let long = TEXT.to_owned() + &"x".repeat(LONG);
    let hostile = insert_interception(&connection, millis, TEXT, &long)?;
    let not_utf_8 = insert_interception(&connection, millis + 1, "replaced", "replaced")?;
    for (table, key, columns) in [
        ("interceptions", "id", &["model", "client", "user_agent", "credential_hint"][..]),
        ("user_prompts", "interception_id", &["prompt"]),
        ("tool_usages", "interception_id", &["tool", "server_url", "input", "invocation_error"]),
        ("model_thoughts", "interception_id", &["content"]),
    ] {
        let changes: Vec<String> = columns.iter().map(|column| format!("{column} = {NOT_UTF_8}")).collect();
        let update = format!("UPDATE aibridge_{table} SET {} WHERE {key} = ?1", changes.join(", "));
        ensure!(connection.execute(&update, [&not_utf_8])? == 1, "no row of {table}");
    }
    Ok([hostile, not_utf_8])
}

/// Records an interception that began at `millis`, with `text` in its short columns and `long` in the others.
fn insert_interception(connection: &Connection, millis: u64, text: &str, long: &str) -> Result<String> {
    let ids: Vec<String> = (1..5)
        .map(|number| format!("{:08x}-{:04x}-7000-8000-{number:012}", millis >> 16, millis & 0xffff))
        .collect();
    let at: String = connection.query_row(
        "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ?1 / 1000.0, 'unixepoch')",
        [i64::try_from(millis)?],
        |row| row.get(0),
    )?;
    connection.execute(
        "INSERT INTO aibridge_interceptions (id, initiator_id, provider, provider_name, model, route, streaming, client, \
         client_session_id, user_agent, credential_kind, credential_hint, metadata, started_at, ended_at, outcome, \
         upstream_status) VALUES (?1, ?4, 'openai', 'openai', ?2, '/responses', 1, ?2, ?2, ?2, 'centralized', ?2, '{}', \
         ?3, ?3, 'completed', 200)",
        params![ids[0], text, at, USER],
    )?;
    connection.execute(
        "INSERT INTO aibridge_user_prompts (id, interception_id, prompt, created_at) VALUES (?1, ?2, ?3, ?4)",
        params![ids[1], ids[0], long, at],
    )?;
    connection.execute(
        "INSERT INTO aibridge_tool_usages (id, interception_id, provider_tool_call_id, tool, server_url, input, injected, \
         invocation_error, created_at, metadata) VALUES (?1, ?2, ?3, ?3, ?4, ?3, 1, ?3, ?5, '{}')",
        params![ids[2], ids[0], long, text, at],
    )?;
    connection.execute(
        "INSERT INTO aibridge_model_thoughts (id, interception_id, content, metadata, created_at) \
         VALUES (?1, ?2, ?3, '{\"source\":\"thinking\"}', ?4)",
        params![ids[3], ids[0], long, at],
    )?;
    Ok(ids[0].clone())
}
