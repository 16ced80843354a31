//! The OpenAI API, and APIs compatible with it.

use crate::api_provider::{Api, ApiData, ApiProvider};
use crate::config::ProviderConfig;
use crate::objects;
use crate::routes::Routes;
use aibridge_intercept::ErrorFormat;
use http::header;

/// A provider of the OpenAI API. It dereferences to its [`Profile`](crate::Profile).
pub type OpenAi = ApiProvider<OpenAiApi>;

/// The configuration of an [`OpenAi`].
pub type OpenAiConfig = ProviderConfig;

/// The type of providers of the OpenAI API.
#[derive(Debug)]
pub struct OpenAiApi;

impl Api for OpenAiApi {
    const DATA: ApiData = ApiData {
        kind: "openai",
        base_url: "https://api.openai.com/v1/",
        prefix_suffix: "/v1",
        auth_header: header::AUTHORIZATION,
        byok_only: false,
        routes: ROUTES,
        objects: objects::OPENAI,
    };
}

/// The routes of the OpenAI API that the gateway serves.
pub(crate) const ROUTES: Routes = Routes {
    bridged: aibridge_presets::bridged::OPENAI,
    passthrough: aibridge_presets::passthrough::OPENAI,
    objects: &["/conversations/", "/responses/"],
    read_only: &["/models", "/models/"],
    slashed_ids: &["/models/"],
    errors: &[("", ErrorFormat::OpenAi)],
    ..Routes::NONE
};
