//! The agents that the launcher can set up.

use std::ffi::OsStr;
use std::path::Path;

/// An agent, by the name of its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent {
    /// Codex, of OpenAI.
    Codex,
    /// Claude Code, of Anthropic.
    Claude,
    /// opencode, which uses several providers.
    OpenCode,
    /// Aider, which uses several providers.
    Aider,
    /// Any other program. It receives the variables that SDKs read.
    Other,
}

impl Agent {
    /// The agents that have a name of their own.
    pub const NAMED: [Self; 4] = [Self::Codex, Self::Claude, Self::OpenCode, Self::Aider];

    /// The agent that `program` starts, by the last part of its path.
    pub fn of_program(program: &OsStr) -> Self {
        let name = Path::new(program).file_name().and_then(OsStr::to_str).unwrap_or_default();
        Self::NAMED.into_iter().find(|agent| agent.program() == name).unwrap_or(Self::Other)
    }

    /// The name of the program.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Codex => "codex",
            Self::Claude => "claude",
            Self::OpenCode => "opencode",
            Self::Aider => "aider",
            Self::Other => "your-program",
        }
    }

    /// The client name in the records of its requests; `None` if its requests may have any client name.
    pub const fn client(self) -> Option<&'static str> {
        match self {
            Self::Codex => Some("Codex"),
            Self::Claude => Some("Claude Code"),
            Self::OpenCode => Some("OpenCode"),
            Self::Aider | Self::Other => None,
        }
    }

    /// The type of provider that the agent requires; `None` if it works with either API.
    pub(crate) const fn needs(self) -> Option<&'static str> {
        match self {
            Self::Codex => Some("openai"),
            Self::Claude => Some("anthropic"),
            Self::OpenCode | Self::Aider | Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_names_the_agent() {
        let of = |program: &str| Agent::of_program(OsStr::new(program));
        assert_eq!(of("/usr/local/bin/codex"), Agent::Codex);
        assert_eq!(of("claude"), Agent::Claude);
        assert_eq!(of("claude-code"), Agent::Other);
        assert_eq!(of(""), Agent::Other);
    }
}
