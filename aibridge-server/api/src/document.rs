//! The OpenAPI document, generated from the functions that serve the endpoints and from the schema types.

use crate::{
    budgets, contents, facets, interceptions, keys, live, own_records, providers, sessions, status, timeline,
    tokens, tools, totals, usage,
};
use aibridge_api_parameters::{IntervalParameter, OutcomeParameter};
use aibridge_api_schema::{ExtraValue, Problem};
use bytes::Bytes;
use std::sync::LazyLock;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// The OpenAPI 3.1 document of the API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "aibridge",
        description = "The records of the gateway and the state of its provider keys. Requests need an admin token, \
            which `aibridge token create --admin` creates; `/api/v1/me` and those below it, and `/api/v1/status`, any access token. With `auth.mode = \"none\"`, requests from the gateway's \
            own machine need none.",
    ),
    paths(
        interceptions::list, interceptions::show, contents::show, usage::usage, totals::totals, tools::list,
        facets::list, sessions::list, sessions::show, timeline::list, timeline::search, live::live, keys::list,
        keys::revive, providers::list, budgets::list, budgets::own, status::status, tokens::list_or_create, tokens::create, tokens::revoke,
        own_records::interceptions, own_records::interception, own_records::content, own_records::totals, own_records::sessions, own_records::session,
        own_records::timeline, own_records::search, own_records::live, openapi_json,
    ),
    components(schemas(ExtraValue, OutcomeParameter, IntervalParameter, Problem)),
    modifiers(&Security),
    security(("bearer" = []), ("header" = []), ()),
    tags(
        (name = "records", description = "Recorded interceptions, usage and sessions"),
        (name = "own records", description = "The caller's own records, with any access token"),
        (name = "keys", description = "Provider keys of the gateway"),
        (name = "tokens", description = "Access tokens of users"),
        (name = "gateway", description = "The gateway and its providers"),
        (name = "document", description = "This document"),
    ),
)]
pub struct Document;

/// Adds the two headers that may carry an admin token.
struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An admin token"));
        let header = ApiKeyValue::with_description("X-AIBridge-Token", "An admin token");
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
        components.add_security_scheme("header", SecurityScheme::ApiKey(ApiKey::Header(header)));
    }
}

/// Returns this document. Needs no token.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "openapi",
    tag = "document",
    security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object)),
)]
#[allow(dead_code, reason = "only its description is used")]
fn openapi_json() {}

/// Built by the first request for it: few gateways are ever asked, and it takes half a megabyte and much code.
static TEXT: LazyLock<Bytes> =
    LazyLock::new(|| Bytes::from(serde_json::json!(Document::openapi()).to_string()));

/// The document as JSON.
pub(crate) fn text() -> Bytes {
    TEXT.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{Endpoint, PATHS};

    #[test]
    fn documents_exactly_the_served_paths() {
        let document = Document::openapi();
        let mut documented: Vec<_> = document.paths.paths.keys().map(String::as_str).collect();
        let mut served = PATHS.map(|(path, _)| path);
        documented.sort_unstable();
        served.sort_unstable();
        assert_eq!(documented, served);
    }

    #[test]
    fn documents_exactly_the_served_methods() {
        for (path, item) in Document::openapi().paths.paths {
            let documented = [
                ("GET", item.get),
                ("PUT", item.put),
                ("POST", item.post),
                ("DELETE", item.delete),
                ("OPTIONS", item.options),
                ("HEAD", item.head),
                ("PATCH", item.patch),
                ("TRACE", item.trace),
            ];
            let documented = documented.into_iter().filter(|(_, operation)| operation.is_some());
            let documented: Vec<&str> = documented.map(|(method, _)| method).collect();
            let endpoint = Endpoint::find(&path.replace(['{', '}'], "")).expect("an endpoint");
            let served: Vec<&str> =
                endpoint.methods().split(", ").filter(|method| *method != "HEAD").collect();
            assert_eq!(documented, served, "{path}");
        }
    }
}
