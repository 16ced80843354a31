//! Tests that no spelling of a credential stays readable.

use super::*;
use ::url::Url;
use proptest::prelude::*;
use proptest::sample::select;

#[test]
fn masks_credentials_in_headers() {
    let table = [
        ("authorization", "Bearer sk-abcdefghijklmnopqrstuvwxyzefgh", "Bearer sk-a...efgh"),
        ("authorization", "sk-abcdefghijklmnopqrstuvwxyzefgh", "sk-a...efgh"),
        ("proxy-authorization", "Basic dXNlcjpzZWNyZXQ=", "Basic dX...Q="),
        ("x-api-key", "abc", "..."),
        ("x_goog_api_key", "abcdefghij", "ab...ij"),
        ("ocp-apim-subscription-key", "abcdefghij", "ab...ij"),
        ("x-functions-key", "abcdefghij", "ab...ij"),
        ("portkey-auth", "abcdefghij", "ab...ij"),
        ("cf_access_client_secret", "abcdefghij", "ab...ij"),
        ("x-amz-security-token", "abcdefghij", "ab...ij"),
        ("webhook-signature", "abcdefghij", "ab...ij"),
        ("x-ms-authorization-auxiliary", "abcdefghij", "ab...ij"),
        ("cookie", "a=secret; b=0123456789; lone-secret", "a=s...t; b=01...89; lo...et"),
        ("set-cookie", "sid=0123456789; Path=/; HttpOnly", "sid=01...89; Path=/; HttpOnly"),
        ("x-note", "see aib_0123456789abcdefghij, please", "see aib_...ghij, please"),
        ("x-ratelimit-remaining-tokens", "149984", "149984"),
        ("x-error-code", "0123456789", "0123456789"),
        ("content-type", "multipart/form-data; boundary=\"a b\"", "multipart/form-data; boundary=\"a b\""),
    ];
    for (name, value, expected) in table {
        let map = HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))]);
        assert_eq!(headers(&map)[name], expected, "{name}: {value}");
    }
}

#[test]
fn masks_sensitive_values_of_any_name() {
    let mut value = HeaderValue::from_bytes(b"s\xffcret-0123456789-0123").unwrap();
    value.set_sensitive(true);
    let map = HeaderMap::from_iter([(HeaderName::from_static("x-team"), value)]);
    let shown = headers(&map);
    assert_eq!(shown["x-team"], "s\u{fffd}cr...0123");
}

#[test]
fn masks_credentials_in_urls() {
    let table = [
        ("/v1/models?limit=3&api_key=0123456789&key=ab&x", "/v1/models?limit=3&api_key=01...89&key=...&x"),
        ("/v1/models?api%5Fkey=0123456789", "/v1/models?api%5Fkey=01...89"),
        ("/v1/models?%6Bey=0123456789", "/v1/models?%6Bey=01...89"),
        ("/v1/models?sig=01234,6789&se=2030", "/v1/models?sig=01...89&se=2030"),
        ("/v1/models?x=1;token=0123;56789", "/v1/models?x=1;token=01...89"),
        ("/v1/models?token=0123?/56789", "/v1/models?token=01...89"),
        ("/v1/models;token=0123456789", "/v1/models;token=01...89"),
        (
            "/v1/models?subscription-key=0123456789#code=0123456789",
            "/v1/models?subscription-key=01...89#code=01...89",
        ),
        ("/v1/models?auth[token]=0123456789", "/v1/models?auth[token]=01...89"),
        ("/v1/models?next=https%3A%2F%2Fx%2F%3Ftoken%3D0123456789", "/v1/models?next=http...6789"),
        ("/v1/models/aib_0123456789abcdefghij", "/v1/models/aib_...ghij"),
        ("https://user:0123456789@host/a?b=c", "https://us...89@host/a?b=c"),
        (
            "<https://h/?token=0123456789>; rel=\"next\", </b?page=2>",
            "<https://h/?token=01...89>; rel=\"next\", </b?page=2>",
        ),
        ("/v1/responses/resp_1?include[]=x&stream=false", "/v1/responses/resp_1?include[]=x&stream=false"),
        ("/v1/models", "/v1/models"),
    ];
    for (url, expected) in table {
        assert_eq!(text(url), expected, "{url}");
    }
    let url = Url::parse("http://host/v1/models?x=1&Api_Key=0123456789").unwrap();
    assert_eq!(target(&url), "/v1/models?x=1&Api_Key=01...89");
    let location = HeaderMap::from_iter([(
        HeaderName::from_static("operation-location"),
        HeaderValue::from_static("https://h/op?api-version=1&sig=0123456789"),
    )]);
    assert_eq!(headers(&location)["operation-location"], "https://h/op?api-version=1&sig=01...89");
}

const ENDS: [&str; 5] = ["-key", "-token", "-auth", "-secret", "-password"];
const WORDS: [&str; 4] = ["authorization", "cookie", "credential", "signature"];
const PARAMETERS: [&str; 8] =
    ["key", "api_key", "sig", "code", "token", "subscription-key", "access_token", "X-Amz-Signature"];

/// Names of credentials by the rules: with a prefix, with each `-` as `-` or `_`, in any case.
fn secret_name() -> impl Strategy<Value = String> {
    let end = ("[a-z]{1,8}", select(&ENDS[..])).prop_map(|(start, end)| format!("{start}{end}"));
    let word =
        ("[a-z-]{0,5}", select(&WORDS[..]), "[a-z-]{0,5}").prop_map(|(a, word, b)| format!("x{a}{word}{b}"));
    (prop_oneof![end, word], prop::collection::vec(any::<(bool, bool)>(), 64)).prop_map(|(name, changes)| {
        let spelt = name.chars().zip(changes).map(|(char, (underscore, upper))| match char {
            '-' if underscore => '_',
            char if upper => char.to_ascii_uppercase(),
            char => char,
        });
        spelt.collect()
    })
}

/// `name` with some characters percent-encoded.
fn encoded(name: &str, which: u64) -> String {
    let encode = |(at, byte): (usize, u8)| match which >> (at % 64) & 1 {
        1 => format!("%{byte:02x}"),
        _ => char::from(byte).to_string(),
    };
    name.bytes().enumerate().map(encode).collect()
}

proptest! {
    #[test]
    fn no_secret_header_is_shown(name in secret_name(), secret in "[A-Za-z0-9+/._-]{9,60}", scheme in "(Bearer |a=|)") {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        let map = HeaderMap::from_iter([(name.clone(), HeaderValue::try_from(format!("{scheme}{secret}")).unwrap())]);
        let shown = headers(&map);
        prop_assert!(!shown[&name].to_str().unwrap().contains(&secret), "{:?}", shown);
    }

    #[test]
    fn no_secret_parameter_is_shown_in_a_target_or_a_header(
        name in prop_oneof![secret_name(), select(&PARAMETERS[..]).prop_map(str::to_owned)],
        which in any::<u64>(),
        secret in "[A-Za-z0-9+,;:!*()?/@._~-]{9,60}",
        before in "([a-z]{1,5}=[a-z]{0,5}[&;]){0,3}",
        after in "(&[a-z]{1,5}=[a-z]{0,5}){0,3}",
        header in select(&["location", "content-location", "referer", "operation-location", "x-other"][..]),
        start in select(&["/v1/x?", "/v1/x#", "https://host/?", "/v1/x;"][..]),
    ) {
        let url = format!("{start}{before}{}={secret}{after}", encoded(&name, which));
        prop_assert!(!text(&url).contains(&secret), "{}", text(&url));
        let map = HeaderMap::from_iter([(HeaderName::from_static(header), HeaderValue::try_from(&url).unwrap())]);
        prop_assert!(!headers(&map)[header].to_str().unwrap().contains(&secret), "{:?}", headers(&map));
        let whole = Url::parse("http://host").unwrap().join(&url).unwrap();
        prop_assert!(whole.fragment().is_some() || !target(&whole).contains(&secret), "{}", target(&whole));
    }

    #[test]
    fn masks_any_text_without_a_panic(shown in "\\PC{0,80}") {
        let _ = text(&shown);
    }
}
