use std::collections::BTreeMap;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::{Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

/// Why there is no answer.
#[derive(ToSchema)]
pub struct Problem {
    /// What it is.
    pub error: ProblemDetail,
}

/// What it is.
#[derive(ToSchema)]
pub struct ProblemDetail {
    /// For people, with what to do.
    pub message: String,
    /// The kind of problem.
    #[schema(example = "invalid_request_error")]
    pub r#type: String,
    /// The parameter that is to blame, if one is.
    #[schema(required)]
    pub param: Option<String>,
    /// For programs; also in the header `X-AIBridge-Error`.
    #[schema(example = "invalid_parameter")]
    pub code: String,
}

/// What every question may be refused with.
pub struct Refusals;

/// The answer about an interception that is not on record.
pub struct NotFound;

type Responses = BTreeMap<String, RefOr<Response>>;

impl IntoResponses for Refusals {
    fn responses() -> Responses {
        problems(&[
            ("400", "A parameter cannot be used: `param` names it"),
            ("401", "No gateway token, or one that is unknown, expired or revoked"),
            ("403", "Not an admin token"),
            ("405", "Not GET or HEAD"),
            ("500", "A defect of the gateway"),
            (
                "503",
                "The records cannot be read now, or too many read them: `Retry-After` says when to try again",
            ),
            ("504", "Reading took too long: ask for less"),
        ])
    }
}

impl IntoResponses for NotFound {
    fn responses() -> Responses {
        problems(&[("404", "There is no such interception")])
    }
}

fn problems(table: &[(&str, &str)]) -> Responses {
    let problem = || ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = |told: &str| {
        ResponseBuilder::new().description(told).content("application/json", problem()).build().into()
    };
    table.iter().map(|(status, told)| ((*status).to_owned(), response(told))).collect()
}
