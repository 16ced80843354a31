//! The passthrough routes of each type of provider, and the routes that the gateway answers itself. Further routes in the
//! settings must not repeat them.

/// The passthrough routes of the type `openai`. An entry that ends with a slash also matches every path below it.
pub const OPENAI: &[&str] = &["/conversations", "/conversations/", "/models", "/models/", "/responses/"];

/// The route of the type `anthropic` that counts the tokens of a request.
pub const COUNT_TOKENS: &str = "/v1/messages/count_tokens";

/// The passthrough routes of the type `anthropic`.
pub const ANTHROPIC: &[&str] = &[COUNT_TOKENS, "/v1/models", "/v1/models/"];

/// The route to which Claude Code opens a connection. The gateway answers it.
pub const HELLO: &str = "/api/hello";

/// The route of the telemetry of Claude Code. The gateway answers it.
pub const EVENT_LOGGING: &str = "/api/event_logging/";

/// The passthrough routes of the type `copilot`.
pub const COPILOT: &[&str] = &["/models", "/models/", "/_ping", "/agents/", "/mcp/"];

/// The routes of the type `kind` that are not bridged; none for an unknown type.
pub fn of(kind: &str) -> Vec<&'static str> {
    match kind {
        "openai" => OPENAI.to_vec(),
        "anthropic" => [ANTHROPIC, &[HELLO, EVENT_LOGGING]].concat(),
        "copilot" => COPILOT.to_vec(),
        _ => Vec::new(),
    }
}
