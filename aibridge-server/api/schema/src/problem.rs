//! The schema of error responses, and the errors that each endpoint may return.

use std::collections::BTreeMap;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

/// The body of an error response.
#[derive(ToSchema)]
pub struct Problem {
    /// The details of the error.
    pub error: ProblemDetail,
}

/// The details of an error.
#[derive(ToSchema)]
pub struct ProblemDetail {
    /// A sentence for people, with what to do.
    pub message: String,
    /// The category of the error.
    #[schema(example = "invalid_request_error")]
    pub r#type: String,
    /// The parameter that caused the error; `null` if none did.
    #[schema(required)]
    pub param: Option<String>,
    /// The code for programs, also in the header `X-AIBridge-Error`.
    #[schema(example = "invalid_parameter")]
    pub code: String,
}

/// The errors that every endpoint may return.
pub struct Refusals;

/// The error for an unknown id.
pub struct NotFound;

type Responses = BTreeMap<String, RefOr<Response>>;

impl IntoResponses for Refusals {
    fn responses() -> Responses {
        problems(&[
            ("400", "A parameter is invalid: `param` names it"),
            ("401", "The access token is missing, unknown, expired or revoked"),
            ("403", "The access token is not an admin token"),
            ("405", "The endpoint does not have this method: see `Allow`"),
            ("500", "A defect of the gateway"),
            (
                "503",
                "The database is unavailable, or there are too many concurrent reads: retry after `Retry-After`",
            ),
            ("504", "The read took too long: narrow the filters"),
        ])
    }
}

impl IntoResponses for NotFound {
    fn responses() -> Responses {
        problems(&[("404", "Nothing has this id")])
    }
}

fn problems(table: &[(&str, &str)]) -> Responses {
    let problem = || ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = |description: &str| {
        ResponseBuilder::new().description(description).content("application/json", problem()).build().into()
    };
    table.iter().map(|(status, description)| ((*status).to_owned(), response(description))).collect()
}
