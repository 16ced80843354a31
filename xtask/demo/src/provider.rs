//! The scripted provider of the demo: three recorded conversations.

use aibridge_testkit::{ReceivedRequest, Script, Step, Txtar};
use std::time::Duration;

/// The pause between two pieces of a response, so that the stream is visible.
const PACE: Duration = Duration::from_millis(25);

/// A request and its response, from a text archive.
#[derive(Clone, Copy)]
pub(crate) struct Conversation {
    route: &'static str,
    archive: &'static str,
}

pub(crate) const CHAT: Conversation =
    Conversation { route: "/chat/completions", archive: include_str!("../fixtures/chat.txtar") };
pub(crate) const CHAT_TOOL: Conversation =
    Conversation { route: "/chat/completions", archive: include_str!("../fixtures/chat_tool.txtar") };
pub(crate) const RESPONSE_SHELL: Conversation =
    Conversation { route: "/responses", archive: include_str!("../fixtures/response_shell.txtar") };

impl Conversation {
    /// The path of the request at the gateway.
    pub(crate) fn target(self) -> String {
        format!("/openai/v1{}", self.route)
    }

    /// The body of the request.
    pub(crate) fn request(self) -> String {
        Txtar::parse(self.archive).section("request").to_owned()
    }

    /// The response, at the speed of a model.
    fn response(self) -> Script {
        let archive = Txtar::parse(self.archive);
        let recorded = archive.get("streaming").unwrap_or_else(|| archive.section("non-streaming"));
        let paced = Script::recorded(recorded).steps.into_iter().flat_map(|step| [step, Step::Pause(PACE)]);
        Script { steps: paced.collect() }
    }
}

/// Returns the response to a request from the gateway.
pub(crate) fn respond(received: &ReceivedRequest) -> Script {
    let conversation = match (received.path(), received.json()["stream"].as_bool()) {
        ("/v1/chat/completions", Some(true)) => CHAT_TOOL,
        ("/v1/chat/completions", _) => CHAT,
        ("/v1/responses", _) => RESPONSE_SHELL,
        _ => return Script::json(404, r#"{"error":{"message":"not in the script"}}"#),
    };
    conversation.response()
}
