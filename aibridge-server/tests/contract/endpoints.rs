//! The endpoints of a gateway, with a request and a good response each. Tests iterate over them. No tests.

use crate::harness::Harness;
use aibridge_testkit::{RawClient, ReceivedRequest, Response, Row, Script};

/// The keys of the provider, in order of preference.
pub(crate) const KEYS: [&str; 3] =
    ["sk-first-key-0123456789", "sk-second-key-012345678", "sk-third-key-0123456789"];

/// The recorded hint of each key.
pub(crate) const HINTS: [&str; 3] = ["sk-f...6789", "sk-s...5678", "sk-t...6789"];

/// A BYOK key, its header and its recorded hint.
pub(crate) const OWN_KEY: &str = "sk-the-clients-own-key-1";
pub(crate) const OWN_BEARER: &str = "Bearer sk-the-clients-own-key-1";
pub(crate) const OWN_HINT: &str = "sk-t...ey-1";

/// The endpoint for tests that do not depend on the endpoint.
pub(crate) const CHAT: &Endpoint = &ENDPOINTS[0];

/// The endpoint whose requests name no model.
pub(crate) const PASSTHROUGH: &Endpoint = &ENDPOINTS[4];

/// An endpoint of the gateway, with a request and its response.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) name: &'static str,
    pub(crate) target: &'static str,
    pub(crate) body: &'static str,
    pub(crate) is_recorded: bool,
    /// The body of a good response.
    pub(crate) response: &'static str,
}

pub(crate) const ENDPOINTS: [Endpoint; 5] = [
    Endpoint {
        name: "chat",
        target: "/openai/v1/chat/completions",
        body: r#"{"model":"m"}"#,
        is_recorded: true,
        response: r#"{"id":"chatcmpl-1","choices":[]}"#,
    },
    Endpoint {
        name: "chat stream",
        target: "/openai/v1/chat/completions",
        body: r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
        is_recorded: true,
        response: "data: {\"id\":\"chatcmpl-1\",\"choices\":[]}\n\ndata: [DONE]\n\n",
    },
    Endpoint {
        name: "responses",
        target: "/openai/v1/responses",
        body: r#"{"model":"m"}"#,
        is_recorded: true,
        response: r#"{"id":"resp_1","output":[]}"#,
    },
    Endpoint {
        name: "responses stream",
        target: "/openai/v1/responses",
        body: r#"{"model":"m","stream":true}"#,
        is_recorded: true,
        response: "event: response.completed\ndata: {\"type\":\"response.completed\"}\n\n",
    },
    Endpoint {
        name: "passthrough",
        target: "/openai/v1/conversations",
        body: r#"{"items":[]}"#,
        is_recorded: false,
        response: r#"{"id":"conv_1"}"#,
    },
];

impl Endpoint {
    /// The endpoint of `request`, as the provider received it.
    pub(crate) fn of(request: &ReceivedRequest) -> &'static Self {
        let is_stream = request.body.windows(13).any(|window| window == b"\"stream\":true");
        match (request.path(), is_stream) {
            ("/v1/chat/completions", false) => &ENDPOINTS[0],
            ("/v1/chat/completions", true) => &ENDPOINTS[1],
            ("/v1/responses", false) => &ENDPOINTS[2],
            ("/v1/responses", true) => &ENDPOINTS[3],
            _ => &ENDPOINTS[4],
        }
    }

    /// The script that sends [`Self::response`].
    pub(crate) fn good_response(&self) -> Script {
        Script::recorded(self.response)
    }

    /// Calls this endpoint of `gateway`.
    pub(crate) async fn call(&self, gateway: &Harness, headers: &[(&str, &str)]) -> Response {
        RawClient::post(gateway.address, self.target, headers, self.body).await
    }
}

/// The row of the interception that `response` names.
pub(crate) fn recorded(gateway: &Harness, response: &Response) -> Row {
    let id = response.header("x-aibridge-interception-id").expect("the response has its interception id");
    gateway.store.interception(id).expect("it is recorded")
}
