use super::step::Passed;
use crate::demo;
use anyhow::{Result, ensure};
use std::io::{Result as IoResult, Write};

/// What a reader of the demo must have seen.
const PROMISED: &[&str] = &[
    "127.0.0.1",
    "Interceptions",
    "User prompts",
    "Token usage",
    "Tool calls",
    "Thoughts",
    demo::CHAT_ANSWER_PART,
    demo::TOOL_ARGUMENTS_PART,
    demo::SHELL_COMMAND_PART,
    demo::THOUGHT_PART,
    "/chat/completions",
    "/responses",
    "centralized",
    "completed",
];

/// As wide as a terminal may be expected to be.
const COLUMNS: usize = 120;

/// Runs the demo and looks at what it shows.
pub(super) async fn demo() -> Result<Passed> {
    let mut shown = Tee(Vec::new());
    demo::run(&demo::Options::default(), &mut shown).await?;
    let text = String::from_utf8(shown.0)?;
    let missing: Vec<_> = PROMISED.iter().filter(|promised| !text.contains(**promised)).collect();
    ensure!(missing.is_empty(), "the demo does not show {missing:?}");
    let wide: Vec<_> = text.lines().filter(|line| line.chars().count() > COLUMNS).collect();
    ensure!(wide.is_empty(), "wider than {COLUMNS} columns:\n{}", wide.join("\n"));
    Ok(Passed::Checks(PROMISED.len() + 1))
}

/// Prints, and keeps what it prints.
struct Tee(Vec<u8>);

impl Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        let written = std::io::stdout().write(bytes)?;
        self.0.extend_from_slice(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> IoResult<()> {
        std::io::stdout().flush()
    }
}
