//! Bodies that are not a single JSON object.

use super::{INVALID, RESPONSES, assert_own, assert_untouched, gateway};
use crate::endpoints::CHAT;
use aibridge_testkit::RawClient;

#[tokio::test]
async fn only_a_single_json_object_is_accepted() {
    let (provider, gateway) = gateway().await;
    let deep = "[".repeat(100_000);
    let unclosed = format!(r#"{{"messages":{deep}"#);
    let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bodies: [&[u8]; 27] = [
        b"",
        b" ",
        b"null",
        b"1",
        b"\"{}\"",
        b"[]",
        b"[{}]",
        b"{",
        b"{\"model\"",
        b"{\"model\":}",
        b"{\"model\":\"m\",}",
        b"{model:1}",
        b"{'model':1}",
        b"{}{}",
        b"{} x",
        b"{\"a\":NaN}",
        b"{\"a\":01}",
        b"{\"a\":+1}",
        b"{\"a\":tru}",
        b"{\"a\":\"\\x\"}",
        b"{\"a\":\"line\nbreak\"}",
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\xed\xa0\x80\"}",
        b"\xef\xbb\xbf{}",
        &utf16,
        unclosed.as_bytes(),
        b"model=m&stream=true",
    ];
    for body in bodies {
        let about = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        for target in [CHAT.target, RESPONSES, "/openai/v1/responses/compact"] {
            let response = RawClient::post(gateway.address, target, &[], body).await;
            let message = assert_own(&response, 400, INVALID, "invalid_json", &about);
            assert!(message.len() < 200, "it does not echo the body: {message}");
        }
    }
    assert_untouched(&provider, &gateway);
}

#[tokio::test]
async fn invalid_utf8_is_reported_with_its_position() {
    let (provider, gateway) = gateway().await;
    let response = RawClient::post(gateway.address, RESPONSES, &[], b"{\"input\":\"caf\xe9\"}").await;
    let message = assert_own(&response, 400, INVALID, "invalid_json", "latin-1");
    assert!(message.contains("UTF-8") && message.contains("13"), "{message}");
    assert_untouched(&provider, &gateway);
}
