//! Tables of refusals, by vendor.

use super::*;
use Refusal::{Forbidden, OtherLimit, Quota, RateLimited, Rejected, TooLarge, Unauthorized};
use http::HeaderValue;
use std::io::Write;

fn of(status: u16, body: &str) -> Option<Refusal> {
    Refusal::of(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes())
}

#[test]
fn classifies_refusals_by_status_and_code() {
    let table: &[(u16, &str, Option<Refusal>)] = &[
        // OpenAI: credit, size, and the same code for the rate.
        (
            429,
            r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#,
            Some(Quota),
        ),
        (
            429,
            r#"{"error":{"code":"billing_hard_limit_reached","type":"invalid_request_error"}}"#,
            Some(Quota),
        ),
        (429, r#"{"error":{"code":"billing_not_active"}}"#, Some(Quota)),
        (429, r#"{"error":{"type":"insufficient_balance"}}"#, Some(Quota)),
        (
            429,
            r#"{"error":{"type":"exceeded_current_quota_error","message":"suspended due to insufficient balance"}}"#,
            Some(Quota),
        ),
        (429, r#"{"error":{"code":"CREDIT_LIMIT"}}"#, Some(Quota)),
        (429, r#"{"error":{"code":"insufficient-quota"}}"#, Some(Quota)),
        (429, r#"{"error":{"code":"Arrearage"}}"#, Some(Quota)),
        // xAI, DeepSeek, Moonshot, Azure.
        (
            400,
            r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***1. You can obtain an API key."}"#,
            Some(Rejected),
        ),
        (
            400,
            r#"{"code":"Client specified an invalid argument","error":"Model not found: Incorrect API key provided"}"#,
            None,
        ),
        (
            401,
            r#"{"error":{"message":"Authentication Fails, Your api key: ****1234 is invalid","type":"authentication_error"}}"#,
            Some(Rejected),
        ),
        (
            401,
            r#"{"error":{"message":"Invalid Authentication","type":"invalid_authentication_error"}}"#,
            Some(Rejected),
        ),
        (
            401,
            r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}"#,
            Some(Rejected),
        ),
        (401, r#"{"error":"invalid_api_key"}"#, Some(Rejected)),
        (
            401,
            r#"{"error":{"message":"Missing scopes: model.request. Check your restricted API key.","type":"authentication_error"}}"#,
            Some(Unauthorized),
        ),
        (
            429,
            r#"{"error":{"message":"Request too large for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Requested 40000. The input or output tokens must be reduced in order to run successfully.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
            Some(TooLarge),
        ),
        (
            429,
            r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30,000, Used 10, Requested 30,001.","type":"tokens","code":"rate_limit_exceeded"}}"#,
            Some(TooLarge),
        ),
        (
            429,
            r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s.","type":"tokens","code":"rate_limit_exceeded"}}"#,
            Some(RateLimited),
        ),
        (
            429,
            r#"{"error":{"message":"Rate limit reached: Requested 7","type":"requests","code":"rate_limit_exceeded"}}"#,
            Some(RateLimited),
        ),
        (429, r#"{"error":{"code":"context_length_exceeded"}}"#, Some(TooLarge)),
        // Anthropic.
        (
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"no","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
            Some(Quota),
        ),
        (
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"Extra usage is required for long context requests."}}"#,
            Some(TooLarge),
        ),
        (
            429,
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit"}}"#,
            Some(RateLimited),
        ),
        (
            401,
            r#"{"type":"error","error":{"type":"authentication_error","message":"invalid X-API-Key"}}"#,
            Some(Rejected),
        ),
        (
            401,
            r#"{"type":"error","error":{"type":"authentication_error","message":"Your API key has been disabled"}}"#,
            Some(Rejected),
        ),
        (
            401,
            r#"{"type":"error","error":{"type":"authentication_error","message":"OAuth is not supported here"}}"#,
            Some(Unauthorized),
        ),
        (
            401,
            r#"{"type":"error","error":{"type":"permission_error","message":"api key"}}"#,
            Some(Unauthorized),
        ),
        // 402 with any body, but OpenRouter's about one request.
        (402, "", Some(Quota)),
        (402, r#"{"error":{"message":"Insufficient credits","code":402}}"#, Some(Quota)),
        (
            402,
            r#"{"error":{"message":"This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 1000.","code":402}}"#,
            Some(TooLarge),
        ),
        // 401 that names the key, and others.
        (
            401,
            r#"{"error":{"message":"Incorrect API key provided: sk-x","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#,
            Some(Rejected),
        ),
        (401, r#"{"error":{"code":"account_deactivated"}}"#, Some(Rejected)),
        (401, r#"{"object":"error","code":"invalid_api_key","message":"older servers"}"#, Some(Rejected)),
        (401, r#"{"error":"no","code":"invalid_api_key"}"#, Some(Rejected)),
        (
            401,
            r#"{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: model.request.","type":"invalid_request_error","code":null}}"#,
            Some(Unauthorized),
        ),
        (401, "", Some(Unauthorized)),
        (401, "<html>", Some(Unauthorized)),
        // Google.
        (
            400,
            r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}]"#,
            Some(Rejected),
        ),
        (400, r#"{"error":{"code":400,"details":[{},{"reason":"API_KEY_INVALID"}]}}"#, Some(Rejected)),
        (400, r#"{"error":{"code":"invalid_api_key"}}"#, None),
        (403, "{}", Some(Forbidden)),
        (404, r#"{"error":{"code":"insufficient_quota"}}"#, None),
        (500, r#"{"error":{"code":"invalid_api_key"}}"#, None),
        (200, r#"{"error":{"code":"insufficient_quota"}}"#, None),
        // Lenient.
        (429, "\u{feff}[{\"error\":{\"code\":\"insufficient_quota\"}}]", Some(Quota)),
        (429, "[]", Some(RateLimited)),
        (429, r#"{"error":{"code":429,"type":null}}"#, Some(RateLimited)),
    ];
    for (status, body, expected) in table {
        assert_eq!(of(*status, body), *expected, "{status} {body}");
        assert!(
            expected.is_none() || Refusal::is_possible(StatusCode::from_u16(*status).unwrap()),
            "{status}"
        );
    }
}

#[test]
fn ignores_request_content_that_a_message_repeats() {
    for echoed in ["insufficient_quota", "invalid_api_key", "x-api-key", "billing", "API_KEY_INVALID"] {
        let body = format!(
            r#"{{"error":{{"message":"the model {echoed} is not here: api key","type":"invalid_request_error","param":"{echoed}","code":null}}}}"#
        );
        assert_eq!(of(401, &body), Some(Unauthorized), "{echoed}");
        assert_eq!(of(429, &body), Some(RateLimited), "{echoed}");
        assert_eq!(of(400, &body), None, "{echoed}");
    }
}

#[test]
fn detects_credentials_in_the_query() {
    let table = [
        ("", false),
        ("?api-version=2&after=key", false),
        ("?key=bad", true),
        ("?a=1&%6Bey=bad", true),
        ("?API_KEY", true),
        ("?access_token=", true),
        ("?monkey=1", false),
    ];
    for (query, expected) in table {
        let url = Url::parse(&format!("http://provider.test/v1{query}")).unwrap();
        assert_eq!(has_credential_parameter(&url), expected, "{query}");
    }
    let all = [Quota, TooLarge, RateLimited, Rejected, Unauthorized, Forbidden];
    let expected = [OtherLimit, TooLarge, OtherLimit, Unauthorized, Unauthorized, Forbidden];
    assert_eq!(all.map(Refusal::without_key_fault), expected);
}

#[test]
fn reads_compressed_refusals_but_not_long_ones() {
    let quota = br#"{"error":{"code":"insufficient_quota"}}"#;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(quota).unwrap();
    let gzip = encoder.finish().unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let status = StatusCode::TOO_MANY_REQUESTS;
    assert_eq!(Refusal::of(status, &headers, &gzip), Some(Quota));
    assert_eq!(error_type(status, &headers, &gzip), Some(ErrorType::Quota));
    assert_eq!(Refusal::of(status, &headers, &gzip[..gzip.len() / 2]), Some(RateLimited));

    let long =
        format!(r#"{{"error":{{"code":"insufficient_quota"}},"pad":"{}"}}"#, "x".repeat(READ_AHEAD_MAX));
    assert_eq!(of(429, &long), Some(RateLimited));
    assert_eq!(error_type(status, &HeaderMap::new(), long.as_bytes()), Some(ErrorType::RateLimited));
    assert_eq!(error_type(StatusCode::PAYMENT_REQUIRED, &HeaderMap::new(), b""), Some(ErrorType::Quota));
    assert_eq!(error_type(StatusCode::OK, &HeaderMap::new(), quota), None);
}
