//! The ways to call a gateway: what is true of one of them should be true of all.

use crate::harness::Harness;
use aibridge_testkit::{Answer, RawClient, Received, Row, Script};

/// The provider's keys in the order of preference.
pub(crate) const KEYS: [&str; 3] =
    ["sk-first-key-0123456789", "sk-second-key-012345678", "sk-third-key-0123456789"];

/// What is recorded of each.
pub(crate) const HINTS: [&str; 3] = ["sk-f...6789", "sk-s...5678", "sk-t...6789"];

/// A client's own key, and what is recorded of it.
pub(crate) const OWN_KEY: &str = "sk-the-clients-own-key-1";
pub(crate) const OWN_BEARER: &str = "Bearer sk-the-clients-own-key-1";
pub(crate) const OWN_HINT: &str = "sk-t...ey-1";

/// The way that tests take for which the way makes no difference.
pub(crate) const CHAT: &Way = &WAYS[0];

/// The way that names no model.
pub(crate) const PASSTHROUGH: &Way = &WAYS[4];

/// One way to call the gateway.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) target: &'static str,
    pub(crate) body: &'static str,
    pub(crate) is_recorded: bool,
    /// A good answer, whole.
    pub(crate) answer: &'static str,
}

pub(crate) const WAYS: [Way; 5] = [
    Way {
        name: "chat",
        target: "/openai/v1/chat/completions",
        body: r#"{"model":"m"}"#,
        is_recorded: true,
        answer: r#"{"id":"chatcmpl-1","choices":[]}"#,
    },
    Way {
        name: "chat stream",
        target: "/openai/v1/chat/completions",
        body: r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
        is_recorded: true,
        answer: "data: {\"id\":\"chatcmpl-1\",\"choices\":[]}\n\ndata: [DONE]\n\n",
    },
    Way {
        name: "responses",
        target: "/openai/v1/responses",
        body: r#"{"model":"m"}"#,
        is_recorded: true,
        answer: r#"{"id":"resp_1","output":[]}"#,
    },
    Way {
        name: "responses stream",
        target: "/openai/v1/responses",
        body: r#"{"model":"m","stream":true}"#,
        is_recorded: true,
        answer: "event: response.completed\ndata: {\"type\":\"response.completed\"}\n\n",
    },
    Way {
        name: "passthrough",
        target: "/openai/v1/conversations",
        body: r#"{"items":[]}"#,
        is_recorded: false,
        answer: r#"{"id":"conv_1"}"#,
    },
];

impl Way {
    /// The way that `request` came, as a provider can tell it.
    pub(crate) fn of(request: &Received) -> &'static Self {
        let is_stream = request.body.windows(13).any(|window| window == b"\"stream\":true");
        match (request.path(), is_stream) {
            ("/v1/chat/completions", false) => &WAYS[0],
            ("/v1/chat/completions", true) => &WAYS[1],
            ("/v1/responses", false) => &WAYS[2],
            ("/v1/responses", true) => &WAYS[3],
            _ => &WAYS[4],
        }
    }

    /// How a provider sends [`Self::answer`].
    pub(crate) fn good_answer(&self) -> Script {
        Script::recorded(self.answer)
    }

    /// Calls `gateway` this way.
    pub(crate) async fn ask(&self, gateway: &Harness, headers: &[(&str, &str)]) -> Answer {
        RawClient::post(gateway.address, self.target, headers, self.body).await
    }
}

/// The interception that `answer` names.
pub(crate) fn recorded(gateway: &Harness, answer: &Answer) -> Row {
    let id = answer.header("x-aibridge-interception-id").expect("the answer names its interception");
    gateway.store.interception(id).expect("it is recorded")
}
