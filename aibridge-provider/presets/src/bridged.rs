//! The bridged routes of each type of provider. Further routes in the settings must not lead to them.

/// The bridged routes of the type `openai`.
pub const OPENAI: &[&str] = &["/chat/completions", "/responses", "/responses/compact", "/embeddings"];

/// The bridged routes of the type `anthropic`.
pub const ANTHROPIC: &[&str] = &["/v1/messages"];

/// The bridged routes of the type `copilot`.
pub const COPILOT: &[&str] = &["/chat/completions", "/responses", "/v1/messages"];

/// The bridged routes of the type `kind`; all of them for an unknown type.
pub fn of(kind: &str) -> Vec<&'static str> {
    match kind {
        "openai" => OPENAI.to_vec(),
        "anthropic" => ANTHROPIC.to_vec(),
        "copilot" => COPILOT.to_vec(),
        _ => [OPENAI, ANTHROPIC, COPILOT].concat(),
    }
}
