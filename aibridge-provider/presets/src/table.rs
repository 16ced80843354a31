//! The table of vendors. A new vendor is a new row.

use crate::{Preset, UsageChunk};

/// All vendors. The first row of a type contains the defaults of providers without a preset.
pub static PRESETS: &[Preset] = &[
    Preset::openai("openai", "https://api.openai.com/v1/"),
    Preset {
        kind: "anthropic",
        auth_header: "x-api-key",
        ..Preset::openai("anthropic", "https://api.anthropic.com/")
    },
    Preset {
        base_url: None,
        auth_header: "api-key",
        ..Preset::openai("azure", "https://RESOURCE.openai.azure.com/openai/v1/")
    },
    Preset::openai("cerebras", "https://api.cerebras.ai/v1/"),
    // The back end of Codex for users who log in with their ChatGPT account.
    Preset {
        byok_only: true,
        subscription: true,
        ..Preset::openai("chatgpt", "https://chatgpt.com/backend-api/codex/")
    },
    // Users log in with their GitHub account. Business and enterprise plans have other base URLs.
    Preset {
        kind: "copilot",
        byok_only: true,
        subscription: true,
        ..Preset::openai("copilot", "https://api.individual.githubcopilot.com/")
    },
    Preset::openai("deepseek", "https://api.deepseek.com/v1/"),
    Preset::openai("fireworks", "https://api.fireworks.ai/inference/v1/"),
    Preset::openai("gemini", "https://generativelanguage.googleapis.com/v1beta/openai/"),
    Preset::openai("groq", "https://api.groq.com/openai/v1/"),
    Preset::openai("lmstudio", "http://localhost:1234/v1/"),
    // Refuses requests with unknown members, `stream_options` included. The last chunk of a stream has the usage.
    Preset { usage_chunk: UsageChunk::Native, ..Preset::openai("mistral", "https://api.mistral.ai/v1/") },
    Preset::openai("moonshot", "https://api.moonshot.ai/v1/"),
    Preset::openai("ollama", "http://localhost:11434/v1/"),
    // The last chunk of every stream has the usage.
    Preset {
        usage_chunk: UsageChunk::Native,
        ..Preset::openai("openrouter", "https://openrouter.ai/api/v1/")
    },
    Preset::openai("together", "https://api.together.xyz/v1/"),
    Preset::openai("vllm", "http://localhost:8000/v1/"),
    Preset::openai("xai", "https://api.x.ai/v1/"),
];

/// The vendor with this name.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// The row with the defaults of providers of type `kind` without a preset.
pub fn default_of(kind: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_complete_and_distinct() {
        for (index, preset) in PRESETS.iter().enumerate() {
            let Preset { name, base_url, example_url, auth_header, byok_only, subscription, .. } = *preset;
            assert!(PRESETS[index + 1..].iter().all(|other| other.name != name), "{name} is a duplicate");
            assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase()), "{name}");
            assert!(base_url.is_none_or(|url| url == example_url), "{name}");
            assert!(example_url.starts_with("http") && example_url.ends_with('/'), "{name}");
            assert_eq!(auth_header, auth_header.to_ascii_lowercase(), "{name}");
            assert!(byok_only || !subscription, "{name}: a key of the gateway has no subscription");
        }
        for preset in PRESETS {
            assert_eq!(default_of(preset.kind).map(|preset| preset.name), Some(preset.kind), "{preset:?}");
        }
    }

    #[test]
    fn vendors_are_found_by_their_exact_name() {
        assert_eq!(find("groq").map(|preset| preset.name), Some("groq"));
        assert_eq!([find("Groq"), find(""), find("acme")], [None; 3]);
        assert_eq!(default_of("acme"), None);
    }
}
