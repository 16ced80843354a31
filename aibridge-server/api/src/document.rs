//! The OpenAPI document, generated from the types and functions that answer.

use crate::parameters::OutcomeParameter;
use crate::schema::Problem;
use crate::{interceptions, keys, sessions, usage};
use bytes::Bytes;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// The API as a document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "aibridge",
        description = "What the gateway recorded, and how its keys are doing. For admin tokens, which \
            `aibridge token create --admin` makes; where tokens are not in use, for the gateway's own machine.",
    ),
    paths(interceptions::list, interceptions::show, usage::usage, sessions::list, keys::list, openapi_json),
    components(schemas(OutcomeParameter, Problem)),
    modifiers(&Security),
    security(("bearer" = []), ("header" = []), ()),
    tags(
        (name = "records", description = "What was recorded"),
        (name = "keys", description = "Keys of providers"),
        (name = "document", description = "This document"),
    ),
)]
pub struct Document;

/// How operators say who they are.
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

/// This document. Anyone may read it.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    operation_id = "openapi",
    tag = "document",
    security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object)),
)]
#[allow(dead_code, reason = "only what is said of it is needed")]
fn openapi_json() {}

/// As it is sent.
pub(crate) fn text() -> Bytes {
    Bytes::from(serde_json::json!(Document::openapi()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::PATHS;

    #[test]
    fn what_can_be_asked_is_documented_and_the_other_way_round() {
        let document = Document::openapi();
        let mut documented: Vec<_> = document.paths.paths.keys().map(String::as_str).collect();
        let mut served = PATHS.map(|(path, _)| path);
        documented.sort_unstable();
        served.sort_unstable();
        assert_eq!(documented, served);
    }
}
