//! The Anthropic API, for Claude Code and the SDKs of Anthropic.

use crate::api_provider::{Api, ApiData, ApiProvider};
use crate::objects;
use crate::routes::{LocalRoute, Routes};
use aibridge_intercept::ErrorFormat;
use aibridge_presets::passthrough::{self, COUNT_TOKENS, EVENT_LOGGING, HELLO};
use http::HeaderName;

/// A provider of the Anthropic API. It dereferences to its [`Profile`](crate::Profile).
pub type Anthropic = ApiProvider<AnthropicApi>;

/// The type of providers of the Anthropic API.
#[derive(Debug)]
pub struct AnthropicApi;

impl Api for AnthropicApi {
    const DATA: ApiData = ApiData {
        kind: "anthropic",
        base_url: "https://api.anthropic.com/",
        // The SDKs append the version to the base URL.
        prefix_suffix: "",
        auth_header: HeaderName::from_static("x-api-key"),
        byok_only: false,
        routes: ROUTES,
        objects: objects::NONE,
    };
}

/// The routes of the Anthropic API that the gateway serves.
const ROUTES: Routes = Routes {
    bridged: aibridge_presets::bridged::ANTHROPIC,
    passthrough: passthrough::ANTHROPIC,
    slashed_ids: &["/v1/models/"],
    methods: &[(COUNT_TOKENS, "POST"), ("/v1/models", "GET, HEAD"), ("/v1/models/", "GET, HEAD")],
    unlimited: &[COUNT_TOKENS],
    // Claude Code sends a request to one of the first three before its first message, to open a connection, and its
    // telemetry to the last one. They are not forwarded, because they would reach the provider under the gateway's key.
    local: &[
        LocalRoute { path: "", methods: "GET, HEAD" },
        LocalRoute { path: "/", methods: "GET, HEAD" },
        LocalRoute { path: HELLO, methods: "GET, HEAD" },
        LocalRoute { path: EVENT_LOGGING, methods: "POST" },
    ],
    errors: &[("", ErrorFormat::Anthropic)],
    ..Routes::NONE
};
