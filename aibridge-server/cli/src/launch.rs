//! The environment variables and arguments with which an agent uses the gateway. The user's own files are never changed.
//! `aibridge connect` prints them; `aibridge run`, in the server crate, starts the agent with them.

mod agent;
mod setup;
mod target;

pub use agent::Agent;
pub use setup::{CLAUDE_HEADERS, OPENCODE_CONFIG, Setup, UserSetup};
pub use target::{LaunchError, Target};

use crate::output::{PrintError, print};
use std::io::Write;

/// Prints the variables and arguments that `aibridge run` would set for `agent`, as lines for a shell.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn connect(
    agent: Agent,
    setup: &Setup,
    needs_token: bool,
    out: &mut dyn Write,
) -> Result<(), PrintError> {
    let mut text = String::new();
    if needs_token {
        text.push_str("# AIBRIDGE_TOKEN is your access token: aibridge token create --user NAME\n");
    }
    for (name, value) in &setup.variables {
        text.push_str(&format!("export {name}={}\n", quoted(value)));
    }
    let arguments = setup.arguments.iter().map(|argument| format!(" {}", quoted(argument)));
    text.push_str(&format!("{}{}\n", agent.program(), arguments.collect::<String>()));
    print(out, &text)
}

/// Quotes a word for a shell. `$AIBRIDGE_TOKEN` stays a variable.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=@%+,".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    match word.contains(target::TOKEN_REFERENCE) {
        true => format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"")),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        let table = [
            ("http://127.0.0.1:8080/openai/v1", "http://127.0.0.1:8080/openai/v1"),
            ("a b", "'a b'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
            ("X-AIBridge-Token: $AIBRIDGE_TOKEN", "\"X-AIBridge-Token: $AIBRIDGE_TOKEN\""),
        ];
        for (word, expected) in table {
            assert_eq!(quoted(word), expected);
        }
    }
}
