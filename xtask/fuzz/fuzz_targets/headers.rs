//! No spelling of a header that is not forwarded reaches the other side, and no access token does.
#![no_main]

use aibridge_intercept::headers::{RequestHeaderRules, response_headers};
use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

const NOT_TO_PROVIDER: [&str; 14] = [
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "cookie",
    "connection",
    "transfer-encoding",
    "host",
    "content-length",
    "forwarded",
    "x-real-ip",
    "openai-organization",
    "x-http-method-override",
    "upgrade",
];
const NO_PREFIX_TO_PROVIDER: [&str; 4] = ["x-forwarded-", "x-aibridge-", "x-ai-bridge-", "x-coder-"];
const NOT_TO_CLIENT: [&str; 6] =
    ["set-cookie", "alt-svc", "strict-transport-security", "content-length", "connection", "openai-project"];

fuzz_target!(|input: Vec<(&[u8], &[u8])>| {
    let mut given = HeaderMap::new();
    for (name, value) in input {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            given.append(name, value);
        }
    }
    let canonical = |name: &HeaderName| name.as_str().replace('_', "-");
    let rules = RequestHeaderRules { centralized: true, decompressed: false, auth_header: &http::header::AUTHORIZATION, extra: &HeaderMap::new(), actor: None };
    for (name, value) in &rules.apply(&given) {
        let name = canonical(name);
        assert!(!NOT_TO_PROVIDER.contains(&name.as_str()), "{name}");
        assert!(!NO_PREFIX_TO_PROVIDER.iter().any(|prefix| name.starts_with(prefix)), "{name}");
        assert!(!value.as_bytes().windows(4).any(|part| part == b"aib_"), "{name}: {value:?}");
    }
    for name in response_headers(&given, true).keys() {
        let name = canonical(name);
        assert!(!NOT_TO_CLIENT.contains(&name.as_str()), "{name}");
        assert!(!name.starts_with("access-control-"), "{name}");
    }
});
