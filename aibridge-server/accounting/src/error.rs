//! Requests that a budget refuses, and their error responses.

use aibridge_budgets::Refusal;
use aibridge_intercept::{ErrorKind, ErrorResponse};
use http::{StatusCode, header};
use jiff::Timestamp;

/// The name of budgets among the limits that metrics count.
const LIMIT: &str = "budget";

/// The reason why a request is refused for its cost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// A budget has no room for the request.
    #[error("{refusal}")]
    Exceeded {
        /// The budget that has no room.
        refusal: Refusal,
        /// Whether the refusal on an OpenAI API is a 400, whose message Codex shows.
        is_readable: bool,
        /// The time of the refusal.
        at: Timestamp,
    },
    /// The model has no price, and the settings refuse such requests.
    #[error(
        "the model {0:?} has no price here, and this gateway forwards priced models only: use another model, or ask its operator to add a price"
    )]
    Unpriced(String),
}

impl BudgetError {
    /// The response, for a client of the Anthropic API if `is_anthropic` is set.
    pub fn into_response(self, is_anthropic: bool) -> ErrorResponse {
        let message = self.to_string();
        match self {
            Self::Unpriced(_) => ErrorResponse::new(
                StatusCode::BAD_REQUEST,
                ErrorKind::InvalidRequest,
                "model_unpriced",
                message,
            ),
            Self::Exceeded { refusal, is_readable, at } => {
                let (status, kind) = match is_readable && !is_anthropic {
                    true => (StatusCode::BAD_REQUEST, ErrorKind::InvalidRequest),
                    false => (StatusCode::TOO_MANY_REQUESTS, ErrorKind::Quota),
                };
                let mut response = ErrorResponse::new(status, kind, "budget_exceeded", message)
                    .with_header(header::RETRY_AFTER, seconds_until(refusal.resets_at, at));
                response.members.push(("budget", member(&refusal)));
                ErrorResponse { limit: Some(LIMIT), ..response }
            }
        }
    }
}

/// The member of the error object for programs, as JSON text. Amounts are numbers with all their decimals.
fn member(refusal: &Refusal) -> Box<str> {
    let Refusal { scope, amount, spent, period, resets_at, .. } = refusal;
    let (scope, period) = (scope.as_str(), period.as_str());
    let (limit, spent) = (amount.to_decimal(), spent.to_decimal());
    format!(
        r#"{{"scope":"{scope}","limit_usd":{limit},"spent_usd":{spent},"period":"{period}","resets_at":"{resets_at}"}}"#
    )
    .into()
}

/// The time until `end` in whole seconds, rounded up, at least one.
fn seconds_until(end: Timestamp, now: Timestamp) -> u64 {
    let milliseconds = end.as_millisecond().saturating_sub(now.as_millisecond()).max(1);
    milliseconds.unsigned_abs().div_ceil(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aibridge_budgets::{Period, Scope};
    use aibridge_intercept::ErrorFormat;
    use aibridge_prices::NanoUsd;
    use serde_json::{Value, json};

    fn refusal() -> Refusal {
        Refusal {
            scope: Scope::User,
            amount: NanoUsd::dollars(200),
            spent: NanoUsd::new(200_125_000_000),
            reserved: NanoUsd::ZERO,
            reservation: NanoUsd::ZERO,
            period: Period::Month,
            resets_at: "2026-12-01T00:00:00Z".parse().unwrap(),
        }
    }

    fn error(is_readable: bool) -> BudgetError {
        let at = "2026-11-30T23:59:58.5Z".parse().unwrap();
        BudgetError::Exceeded { refusal: refusal(), is_readable, at }
    }

    #[test]
    fn clients_of_each_api_stop() {
        let table = [
            (false, ErrorFormat::OpenAi, 429, "insufficient_quota", Some("false")),
            (true, ErrorFormat::OpenAi, 400, "invalid_request_error", None),
            (false, ErrorFormat::Anthropic, 429, "billing_error", Some("false")),
            (true, ErrorFormat::Anthropic, 429, "billing_error", Some("false")),
        ];
        for (is_readable, format, status, kind, should_retry) in table {
            let response = error(is_readable).into_response(format == ErrorFormat::Anthropic);
            assert_eq!(response.limit, Some("budget"));
            let http = response.into_http(format, None);
            let body: Value = serde_json::from_slice(http.body()).unwrap();
            assert_eq!((http.status().as_u16(), &body["error"]["type"]), (status, &Value::from(kind)));
            let header = |name: &str| http.headers().get(name).map(|value| value.to_str().unwrap());
            assert_eq!(header("x-should-retry"), should_retry);
            assert_eq!(
                (header("retry-after"), header("x-aibridge-error")),
                (Some("2"), Some("budget_exceeded"))
            );
            let expected = json!({"scope": "user", "limit_usd": 200.0, "spent_usd": 200.125, "period": "month",
                "resets_at": "2026-12-01T00:00:00Z"});
            assert_eq!(body["error"]["budget"], expected);
            let message = "The user budget of $200.00 per month is used up: $200.125 spent, $0.00 reserved. \
                           It resets at 2026-12-01T00:00:00Z.";
            assert_eq!(body["error"]["message"], message);
        }
    }

    #[test]
    fn amounts_keep_all_their_decimals() {
        let spent = NanoUsd::new(9_007_199_254_740_993);
        let text = member(&Refusal { amount: NanoUsd::new(1), spent, ..refusal() });
        let start =
            r#"{"scope":"user","limit_usd":0.000000001,"spent_usd":9007199.254740993,"period":"month","#;
        assert!(text.starts_with(start), "{text}");
    }
}
