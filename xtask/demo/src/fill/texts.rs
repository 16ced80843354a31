//! The names and texts of the made-up records.

use super::plan::Planned;

pub(super) const USER_NAMES: [&str; 36] = [
    "ada",
    "grace",
    "linus",
    "margaret",
    "dennis",
    "barbara",
    "ken",
    "radia",
    "edsger",
    "frances",
    "alan",
    "hedy",
    "donald",
    "katherine",
    "brian",
    "jean",
    "niklaus",
    "sophie",
    "tony",
    "adele",
    "john",
    "karen",
    "leslie",
    "mary",
    "peter",
    "anita",
    "robin",
    "shafi",
    "silvio",
    "evelyn",
    "guido",
    "lynn",
    "james",
    "elena",
    "build-bot",
    "nightly-review",
];

/// Providers and models, the most frequent first, with made-up prices of a token in billionths of a dollar: input, cached
/// input and output. The last model has no price.
pub(super) const MODEL_NAMES: [(&str, &str, Option<[i64; 3]>); 6] = [
    ("anthropic", "claude-sonnet-4-5", Some([3000, 300, 15_000])),
    ("openai", "gpt-5", Some([1250, 125, 10_000])),
    ("openai", "gpt-5-mini", Some([250, 25, 2000])),
    ("anthropic", "claude-opus-4-1", Some([15_000, 1500, 75_000])),
    ("openai", "gpt-4.1", Some([2000, 500, 8000])),
    ("openai", "o4-mini", None),
];

/// Clients and their user agents.
pub(super) const CLIENT_NAMES: [(&str, &str); 5] = [
    ("Claude Code", "claude-cli/2.0.14 (external, cli)"),
    ("Codex", "codex_cli_rs/0.63.0 (Ubuntu 24.4.0; x86_64)"),
    ("OpenCode", "opencode/1.0.126"),
    ("Cursor", "Cursor/1.7"),
    ("OpenAI SDK (Python)", "OpenAI/Python 3.54.0"),
];

pub(super) const PROMPTS: [&str; 16] = [
    "The nightly import times out since Tuesday. Find the cause.",
    "Add a retry with backoff to the webhook sender, and a test that shows it.",
    "Rename `Customer` to `Account` everywhere, migrations included.",
    "The page is slow on my phone. Find out why before you change anything.",
    "Write release notes for everything since v4.2.0, for people who run it, not for us.",
    "Explain this stack trace:\n\nthread 'main' panicked at src/queue.rs:88:17:\nindex out of bounds: the len is 3 but the index is 3",
    "Delete the table tmp_orders_2023 if nothing reads it any more.",
    "Turn these notes into a design document with a risk section.",
    "Make the tests in tests/billing run in parallel.",
    "Which of our endpoints answer without checking the tenant? List file and line.",
    "Upgrade the HTTP client to the next major version and fix what breaks.",
    "Please review the diff of my branch against main as a grumpy maintainer would.",
    "Show me the ten queries that read most, with their plans.",
    "Translate the error messages in messages.toml to German, keep the placeholders.",
    "Our container is 1.4 GB. Get it below 200 MB without changing the base distribution.",
    "Write a script that finds certificates that expire within 30 days.",
];

pub(super) const REASONING: [&str; 6] = [
    "The timeout is 30 s, and the import takes 28 s on a good day. I should look at the query before I raise it.",
    "First find every caller. A search for the name also finds comments, so I check each hit.",
    "The test fails only when both run at once: they share the port. A free port solves that.",
    "The user asked for the cause, not for a fix. I will measure, then report.",
    "Dropping a table cannot be undone. I check the views, the jobs and the last read before I say anything.",
    "Two options: cache the result, or make the query cheaper. The second removes the cause.",
];

/// The tool that the model calls, and its input.
pub(super) fn tool(one: &Planned) -> (&'static str, String) {
    let number = one.seed % 900;
    match one.seed % 7 {
        0 => ("shell", format!(r#"{{"command":["bash","-lc","rg -n \"timeout\" src | head -{number}"]}}"#)),
        1 => ("read_file", format!(r#"{{"path":"src/module_{number}.rs","offset":{number},"limit":200}}"#)),
        2 => (
            "apply_patch",
            format!(
                r#"{{"patch":"*** Update File: src/module_{number}.rs\n-    let limit = 3;\n+    let limit = 5;"}}"#
            ),
        ),
        3 => ("Bash", r#"{"command":"cargo test --workspace","description":"Run all tests"}"#.to_owned()),
        4 => ("Grep", format!(r#"{{"pattern":"fn retry_{number}","output_mode":"content"}}"#)),
        5 => (
            "web_search",
            r#"{"type":"search","query":"postgres index only scan visibility map"}"#.to_owned(),
        ),
        _ => ("mcp__tracker__get_issue", format!(r#"{{"id":"OPS-{number}"}}"#)),
    }
}
