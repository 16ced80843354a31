//! GitHub Copilot, which serves the dialects of OpenAI and of Anthropic to the users of its editors.

use crate::api_provider::{Api, ApiData, ApiProvider};
use crate::objects;
use crate::routes::Routes;
use aibridge_intercept::ErrorFormat;
use http::header;

/// A provider of GitHub Copilot. It dereferences to its [`Profile`](crate::Profile).
pub type Copilot = ApiProvider<CopilotApi>;

/// The type of providers of GitHub Copilot.
#[derive(Debug)]
pub struct CopilotApi;

impl Api for CopilotApi {
    const DATA: ApiData = ApiData {
        kind: "copilot",
        base_url: "https://api.individual.githubcopilot.com/",
        prefix_suffix: "",
        auth_header: header::AUTHORIZATION,
        // A subscription belongs to a user.
        byok_only: true,
        routes: ROUTES,
        objects: objects::NONE,
    };
}

/// The routes of Copilot that the gateway serves.
const ROUTES: Routes = Routes {
    bridged: aibridge_presets::bridged::COPILOT,
    passthrough: aibridge_presets::passthrough::COPILOT,
    slashed_ids: &["/models/"],
    errors: &[("/v1/messages", ErrorFormat::Anthropic), ("", ErrorFormat::OpenAi)],
    ..Routes::NONE
};
