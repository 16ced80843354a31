//! What the output of a command must show, beyond that the command succeeded.

use super::step::Passed;
use anyhow::{Context, Result, bail, ensure};

/// What a test says that does nothing, because the machine lacks what it needs, but passes.
const LEFT_OUT: &str = "left out a test: ";

/// Sums up the closing lines of test runners: `test result: ok. 12 passed; 0 failed; …`, without tests that did nothing.
pub(super) fn at_tests(text: &str) -> Result<Passed> {
    let closing = text.lines().filter_map(|line| line.trim().strip_prefix("test result: ok. "));
    let passed: usize = closing.filter_map(|line| line.split(' ').next()?.parse::<usize>().ok()).sum();
    let left_out = text.matches(LEFT_OUT).count();
    if let Some(reason) = text.lines().find_map(|line| Some(line.split_once(LEFT_OUT)?.1)) {
        println!("left out {left_out} tests: {reason}");
    }
    let passed = passed.saturating_sub(left_out);
    ensure!(passed > 0, "no test ran");
    Ok(Passed::Checks(passed))
}

/// Sums up the closing lines of `cargo xtask e2e`, which leaves itself out where a tool is missing.
pub(super) fn at_e2e(text: &str) -> Result<Passed> {
    let mut said = text.lines().filter_map(|line| line.strip_prefix("e2e: "));
    if said.clone().any(|line| line.starts_with("left out")) {
        return Ok(Passed::LeftOut);
    }
    let passed = said.try_fold(0, |all, line| match line.split_once(" passed, ") {
        Some((passed, "0 failed")) => Ok(all + passed.parse::<usize>()?),
        Some(_) => bail!("not every scenario passed: {line}"),
        None => Ok(all),
    })?;
    ensure!(passed > 0, "the scenarios do not say how many passed");
    Ok(Passed::Checks(passed))
}

/// Figures of the bench, one of each kind.
const FIGURES: &[&str] = &[
    "chat 1 KB",
    "chat 300 KB",
    "chat stream of 1000",
    "responses 300 KB",
    "added latency p99",
    "added time to first byte",
    "memory idle",
    "memory per open stream, 50 open",
    "start until ready",
    "binary",
];

/// Looks for a table with figures of every kind. What they come to is not judged.
pub(super) fn at_bench(text: &str) -> Result<Passed> {
    for figure in FIGURES {
        let row = text.lines().map(str::trim_start).find_map(|line| line.strip_prefix(figure));
        let row = row.with_context(|| format!("the bench has no figure {figure:?}"))?;
        let measured = row
            .split("<=")
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|word| word.parse::<f64>().ok());
        ensure!(measured.clone().count() > 0, "the bench has measured nothing for {figure:?}");
        ensure!(measured.clone().all(f64::is_finite), "that is no measurement: {figure}{row}");
    }
    Ok(Passed::Checks(FIGURES.len()))
}

/// What a reader of the demo must have seen: after which words, up to the next empty line, which others.
const PROMISED: &[(&str, &[&str])] = &[
    ("listening on", &["/openai/v1", "sk-d...-key", "sqlite:"]),
    ("1. ", &["/chat/completions", "Why is the sky blue?", "Rayleigh"]),
    ("2. ", &["/chat/completions", "I will look", r#"search_files {"pattern":"fn (backoff|retry_after)""#]),
    ("3. ", &["/responses", "Locating the failing test", "$ cargo test -p parser empty_line"]),
    ("Interceptions", &["OpenCode", "Codex", "gpt-5-codex", "centralized", "sk-d...-key", "200 completed"]),
    ("User prompts", &["Why is the sky blue?", "Where does this project", "The parser panics"]),
    ("Token usage", &["1152", "96", "output_reasoning 128"]),
    ("Tool calls", &["search_files", "call_Zk81tQvYw2nXb6LrJd0eMfCs", "local_shell", "cargo test -p parser"]),
    ("Thoughts", &["reasoning_summary", "Locating the failing test"]),
];

/// As wide as a terminal may be expected to be.
const COLUMNS: usize = 120;

/// Looks for everything that the demo is there to show.
pub(super) fn at_demo(text: &str) -> Result<Passed> {
    for (start, promised) in PROMISED {
        let part = text.split_once(start).with_context(|| format!("the demo does not show {start:?}"))?.1;
        let part = part.split("\n\n").next().unwrap_or_default();
        let missing: Vec<_> = promised.iter().filter(|promised| !part.contains(**promised)).collect();
        ensure!(missing.is_empty(), "the demo does not show {missing:?} after {start:?}, but {part}");
    }
    let wide: Vec<_> = text.lines().filter(|line| line.chars().count() > COLUMNS).collect();
    ensure!(wide.is_empty(), "wider than {COLUMNS} columns:\n{}", wide.join("\n"));
    Ok(Passed::Checks(PROMISED.len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(result: Result<Passed>) -> Option<usize> {
        match result {
            Ok(Passed::Checks(checks)) => Some(checks),
            Ok(Passed::LeftOut) => Some(0),
            Err(_) => None,
        }
    }

    #[test]
    fn counts_the_tests_of_all_runners() {
        let text =
            "test result: ok. 12 passed; 0 failed;\nnoise 7 passed\n test result: ok. 3 passed; 0 failed;";
        assert_eq!(passed(at_tests(text)), Some(15));
        assert_eq!(passed(at_tests("test result: ok. 0 passed; 0 failed;")), None);
        let text =
            "left out a test: no X\ntest a ... left out a test: no X\ntest result: ok. 5 passed; 0 failed;";
        assert_eq!(passed(at_tests(text)), Some(3), "what did nothing does not count");
    }

    #[test]
    fn takes_scenarios_at_their_word() {
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
            assert_eq!(passed(at_e2e(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn misses_a_figure_without_a_measurement() {
        let row = |figure: &&str| format!(" {figure} unit  12.3  45.6  3.71x  <= 2.5x \n");
        let whole: String = FIGURES.iter().map(row).collect();
        assert_eq!(passed(at_bench(&whole)), Some(FIGURES.len()));
        assert_eq!(passed(at_bench(&whole.replace("memory idle", "idleness"))), None);
        let binary = " binary unit  12.3  45.6";
        assert_eq!(passed(at_bench(&whole.replace(binary, " binary unit"))), None);
        assert_eq!(passed(at_bench(&whole.replace(binary, " binary unit  NaN  45.6"))), None);
        assert_eq!(passed(at_bench("")), None);
    }

    #[test]
    fn misses_what_a_table_of_the_demo_lacks() {
        let part = |(start, promised): &(&str, &[&str])| format!("{start}\n{}\n\n", promised.join("\n"));
        let whole: String = PROMISED.iter().map(part).collect();
        assert_eq!(passed(at_demo(&whole)), Some(PROMISED.len() + 1));
        assert_eq!(passed(at_demo(&whole.replace("local_shell", ""))), None);
        assert_eq!(passed(at_demo(&whole.replace("Thoughts\n", "Thoughts\n\n"))), None);
        assert_eq!(passed(at_demo(&format!("{whole}{}", "x".repeat(121)))), None);
    }
}
