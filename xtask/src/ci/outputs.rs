//! Checks the output of steps, in addition to their exit codes.

use super::step::Outcome;
use aibridge_testkit::SKIPPED_TEST;
use anyhow::{Context, Result, bail, ensure};

/// Adds up the results of test runners, `test result: ok. 12 passed; 0 failed; …`, without skipped tests.
pub(super) fn check_tests(text: &str) -> Result<Outcome> {
    let results = text.lines().filter_map(|line| line.trim().strip_prefix("test result: ok. "));
    let passed: usize = results.filter_map(|line| line.split(' ').next()?.parse::<usize>().ok()).sum();
    let skipped = text.matches(SKIPPED_TEST).count();
    if let Some(reason) = text.lines().find_map(|line| Some(line.split_once(SKIPPED_TEST)?.1)) {
        println!("left out {skipped} tests: {reason}");
    }
    let passed = passed.saturating_sub(skipped);
    ensure!(passed > 0, "no test ran");
    Ok(Outcome::Passed(passed))
}

/// Adds up the results of `cargo xtask e2e`, which skips itself where a tool is missing.
pub(super) fn check_e2e(text: &str) -> Result<Outcome> {
    add_up(text, "e2e: ")
}

/// Adds up the results of `cargo xtask chaos`, which leaves out PostgreSQL where it is missing, but never SQLite.
pub(super) fn check_chaos(text: &str) -> Result<Outcome> {
    let lines = text.lines().filter(|line| !line.contains("left out PostgreSQL"));
    add_up(&lines.collect::<Vec<_>>().join("\n"), "chaos: ")
}

/// Adds up the lines `PREFIX12 passed, 0 failed`.
fn add_up(text: &str, prefix: &str) -> Result<Outcome> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(prefix));
    if lines.clone().any(|line| line.starts_with("left out")) {
        return Ok(Outcome::Skipped);
    }
    let passed = lines.try_fold(0, |all, line| match line.split_once(" passed, ") {
        Some((passed, "0 failed")) => Ok(all + passed.parse::<usize>()?),
        Some(_) => bail!("a scenario failed: {line}"),
        None => Ok(all),
    })?;
    ensure!(passed > 0, "the scenarios printed no result");
    Ok(Outcome::Passed(passed))
}

/// The figures that the bench has to print, one of each kind.
const FIGURES: &[&str] = &[
    "chat 1 KB",
    "chat 300 KB",
    "chat stream of 1000",
    "chat 1 KB, 32 connections",
    "responses 300 KB",
    "messages 20 KB",
    "messages stream of 100",
    "added latency p99",
    "added time to first byte",
    "memory idle",
    "memory per open stream, 50 open",
    "start until ready",
    "binary",
];

/// Checks that the bench printed figures of every kind. The values are not compared with anything.
pub(super) fn check_bench(text: &str) -> Result<Outcome> {
    for figure in FIGURES {
        let row = text.lines().map(str::trim_start).find_map(|line| line.strip_prefix(figure));
        let row = row.with_context(|| format!("the bench printed no figure {figure:?}"))?;
        let measured = row
            .split("<=")
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|word| word.parse::<f64>().ok());
        ensure!(measured.clone().count() > 0, "the bench printed no value for {figure:?}");
        ensure!(measured.clone().all(f64::is_finite), "the bench printed an invalid value: {figure}{row}");
    }
    Ok(Outcome::Passed(FIGURES.len()))
}

/// The required texts of the demo: the start of a paragraph, and the texts that it contains.
const REQUIRED: &[(&str, &[&str])] = &[
    ("listening on", &["/openai/v1", "sk-d...-key", "sqlite:"]),
    ("1. ", &["/chat/completions", "is the sky blue?", "Rayleigh"]),
    ("2. ", &["/chat/completions", "I will look", r#"search_files {"pattern":"fn (backoff|retry_after)""#]),
    ("3. ", &["/responses", "Locating the failing test", "$ cargo test -p parser empty_line"]),
    ("Interceptions", &["OpenCode", "Codex", "gpt-5-codex", "centralized", "sk-d...-key", "200 completed"]),
    ("User prompts", &["is the sky blue?", "Where does this project", "The parser panics"]),
    ("Token usage", &["1152", "96", "output_reasoning 128"]),
    ("Tool calls", &["search_files", "call_Zk81tQvYw2nXb6LrJd0eMfCs", "local_shell", "cargo test -p parser"]),
    ("Reasoning", &["reasoning_summary", "Locating the failing test"]),
];

/// The widest line, in characters: the width of a common terminal.
const COLUMNS: usize = 120;

/// Checks that the demo printed everything that it is meant to show.
pub(super) fn check_demo(text: &str) -> Result<Outcome> {
    for (start, required) in REQUIRED {
        let part = text.split_once(start).with_context(|| format!("the demo does not show {start:?}"))?.1;
        let part = part.split("\n\n").next().unwrap_or_default();
        let missing: Vec<_> = required.iter().filter(|text| !part.contains(**text)).collect();
        ensure!(missing.is_empty(), "the demo does not show {missing:?} after {start:?}, but {part}");
    }
    let wide: Vec<_> = text.lines().filter(|line| line.chars().count() > COLUMNS).collect();
    ensure!(wide.is_empty(), "wider than {COLUMNS} columns:\n{}", wide.join("\n"));
    Ok(Outcome::Passed(REQUIRED.len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(result: Result<Outcome>) -> Option<usize> {
        match result {
            Ok(Outcome::Passed(checks)) => Some(checks),
            Ok(Outcome::Skipped) => Some(0),
            Err(_) => None,
        }
    }

    #[test]
    fn adds_up_the_results_of_all_runners() {
        let text =
            "test result: ok. 12 passed; 0 failed;\nnoise 7 passed\n test result: ok. 3 passed; 0 failed;";
        assert_eq!(passed(check_tests(text)), Some(15));
        assert_eq!(passed(check_tests("test result: ok. 0 passed; 0 failed;")), None);
        let text =
            format!("{SKIPPED_TEST}X\ntest a ... {SKIPPED_TEST}X\ntest result: ok. 5 passed; 0 failed;");
        assert_eq!(passed(check_tests(&text)), Some(3), "skipped tests do not count");
    }

    #[test]
    fn adds_up_the_results_of_scenarios() {
        let cases = [
            ("  ok\ne2e: 34 passed, 0 failed\n", Some(34)),
            ("e2e: installing …\ne2e: left out, because of this\n", Some(0)),
            ("e2e: 37 passed, 0 failed\ne2e: 34 passed, 0 failed\n", Some(71)),
            ("e2e: 33 passed, 1 failed\n", None),
            ("e2e: 33 passed, 1 failed\ne2e: 34 passed, 0 failed\n", None),
            ("e2e: 0 passed, 0 failed\n", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(passed(check_e2e(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn chaos_on_sqlite_is_never_left_out() {
        let text = "chaos: left out PostgreSQL, because\nok kills sqlite\nchaos: 3 passed, 0 failed\n";
        assert_eq!(passed(check_chaos(text)), Some(3));
        assert_eq!(passed(check_chaos("chaos: 2 passed, 1 failed\n")), None);
        assert_eq!(passed(check_chaos("chaos: left out PostgreSQL, because\n")), None);
    }

    #[test]
    fn rejects_a_figure_without_a_value() {
        let row = |figure: &&str| format!(" {figure} unit  12.3  45.6  3.71x  <= 2.5x \n");
        let whole: String = FIGURES.iter().map(row).collect();
        assert_eq!(passed(check_bench(&whole)), Some(FIGURES.len()));
        assert_eq!(passed(check_bench(&whole.replace("memory idle", "idleness"))), None);
        let binary = " binary unit  12.3  45.6";
        assert_eq!(passed(check_bench(&whole.replace(binary, " binary unit"))), None);
        assert_eq!(passed(check_bench(&whole.replace(binary, " binary unit  NaN  45.6"))), None);
        assert_eq!(passed(check_bench("")), None);
    }

    #[test]
    fn rejects_a_demo_without_a_required_text() {
        let part = |(start, required): &(&str, &[&str])| format!("{start}\n{}\n\n", required.join("\n"));
        let whole: String = REQUIRED.iter().map(part).collect();
        assert_eq!(passed(check_demo(&whole)), Some(REQUIRED.len() + 1));
        assert_eq!(passed(check_demo(&whole.replace("local_shell", ""))), None);
        assert_eq!(passed(check_demo(&whole.replace("Reasoning\n", "Reasoning\n\n"))), None);
        assert_eq!(passed(check_demo(&format!("{whole}{}", "x".repeat(121)))), None);
    }
}
