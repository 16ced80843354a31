//! Tests of reading values: spelling, strictness, strings and counts.

use super::*;
use proptest::prelude::*;

fn texts<const N: usize>(found: [Option<Json<'_>>; N]) -> [Option<&str>; N] {
    found.map(|json| json.map(Json::text))
}

#[test]
fn returns_members_as_they_were_sent() {
    let body = br#" { "a" : 1.50e+0 , "skip":{"a":2}, "b":[ 1 ],"a\u0062":"x"} "#;
    let found = Json::object(body, ["a", "b", "ab", "c"]).unwrap();
    assert_eq!(texts(found), [Some("1.50e+0"), Some("[ 1 ]"), Some("\"x\""), None]);
}

#[test]
fn the_last_of_duplicate_members_wins() {
    let [model] = Json::object(br#"{"model":"a","model":"b"}"#, ["model"]).unwrap();
    assert_eq!(model.unwrap().string().unwrap(), "b");
}

#[test]
fn rejects_texts_that_are_not_one_object() {
    for body in
        ["", " ", "[]", "1", "null", "\"{}\"", "{", "{}{}", "{} x", "{\"a\":}", "{\"a\":01}", "{'a':1}"]
    {
        assert!(Json::object(body.as_bytes(), ["a"]).is_err(), "{body}");
    }
    assert!(matches!(Json::object(b"{\"a\":\"\xff\"}", ["a"]), Err(JsonError::NotUtf8(6))));
    assert!(Json::object(b"{\"a\":\"\x01\"}", ["b"]).is_err(), "a control character in a string");
}

#[test]
fn depth_has_no_limit() {
    let deep = format!("{{\"x\":{}1{},\"model\":\"m\"}}", "[{\"a\":".repeat(20_000), "}]".repeat(20_000));
    let [model, x] = Json::object(deep.as_bytes(), ["model", "x"]).unwrap();
    assert_eq!(model.unwrap().text(), "\"m\"");
    assert_eq!(x.unwrap().elements().len(), 1);
    assert!(x.unwrap().last_element().unwrap().member("a").is_some());
}

#[test]
fn reads_only_strings_and_replaces_lone_surrogates() {
    let table = [
        (r#""plain""#, Some("plain")),
        (r#""a\n\"b\"""#, Some("a\n\"b\"")),
        (r#""\ud83d\ude00""#, Some("😀")),
        (r#""a\ud800b""#, Some("a\u{fffd}b")),
        (r#""\udc00\ud800""#, Some("\u{fffd}\u{fffd}")),
        (r#""nul\u0000""#, Some("nul\0")),
        ("12", None),
        ("null", None),
        ("[\"a\"]", None),
    ];
    for (text, expected) in table {
        assert_eq!(Json::known(text).string().as_deref(), expected, "{text}");
    }
}

#[test]
fn accepts_a_lone_surrogate_in_a_key() {
    let [a] = Json::object(br#"{"\ud800":1,"a":2}"#, ["a"]).unwrap();
    assert_eq!(a.unwrap().count(), Some(2));
}

#[test]
fn reads_counts_in_any_spelling() {
    for (text, expected) in [
        ("12", Some(12)),
        ("12.0", Some(12)),
        ("1.2e1", Some(12)),
        ("1.5", Some(2)),
        (r#""12""#, Some(12)),
        (r#"" 12.0 ""#, Some(12)),
        ("0", Some(0)),
        ("-3", None),
        ("1e300", None),
        ("9223372036854775807", None),
        (r#""""#, None),
        (r#""x""#, None),
        ("NaN", None),
        ("null", None),
        ("true", None),
        ("[1]", None),
    ] {
        assert_eq!(Json::known(text).count(), expected, "{text}");
    }
}

#[test]
fn truthiness_follows_dynamic_languages() {
    for text in ["null", "false", r#""""#, "{}", "{ \n}", "[]", "[ ]", "0", "0.0", "-0"] {
        assert!(!Json::known(text).is_truthy(), "{text}");
    }
    for text in ["true", r#"" ""#, r#""0""#, r#"{"a":0}"#, "[0]", "1", "-0.5", r#""{}""#] {
        assert!(Json::known(text).is_truthy(), "{text}");
    }
}

proptest! {
    #[test]
    fn agrees_with_serde_json_about_objects(text in r#"[\[\]{}:,"a1\\ tfn.e-]{0,12}"#) {
        let expected = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text).is_ok();
        prop_assert_eq!(Json::object(text.as_bytes(), ["a"]).is_ok(), expected);
    }

    #[test]
    fn agrees_with_serde_json_about_validity(document in document(), cut in any::<prop::sample::Index>(), byte: u8) {
        let text = document.to_string();
        let spelt: Vec<String> = document.as_array().unwrap().iter().map(|value| value.to_string()).collect();
        let elements = Json::parse(text.as_bytes()).unwrap().elements();
        prop_assert_eq!(elements.iter().map(|element| element.text()).collect::<Vec<_>>(), spelt.clone());
        let last = Json::parse(text.as_bytes()).unwrap().last_element();
        prop_assert_eq!(last.map(|last| last.text().to_owned()), spelt.last().cloned());

        let mut broken = text.into_bytes();
        let at = cut.index(broken.len());
        broken[at] = byte;
        let expected = serde_json::from_slice::<IgnoredAny>(&broken).is_ok() && std::str::from_utf8(&broken).is_ok();
        prop_assert_eq!(Json::parse(&broken).is_some(), expected, "{}", String::from_utf8_lossy(&broken));
        prop_assert_eq!(Json::parse(&broken[..at]).is_some(), serde_json::from_slice::<IgnoredAny>(&broken[..at]).is_ok());
    }
}

/// Arrays of any values, with long and short strings.
fn document() -> impl Strategy<Value = serde_json::Value> {
    let text = r#"[a-z \\"\n\x01é😀]{0,200}"#;
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        text.prop_map(Into::into),
    ];
    let value = leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map(text, inner, 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    });
    prop::collection::vec(value, 0..5).prop_map(Into::into)
}
