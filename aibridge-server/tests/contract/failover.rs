//! Keys and failover: a table of provider responses, for every endpoint.

use crate::endpoints::{ENDPOINTS, Endpoint, HINTS, KEYS, OWN_BEARER, OWN_HINT, OWN_KEY, recorded};
use crate::harness::Harness;
use aibridge_testkit::{ReceivedRequest, Response, Script, ScriptedProvider, Step};
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpSocket;

mod burst;
mod cooling;
mod exhausted;
mod fairness;
mod read_ahead;
mod replay;

/// The response to one key.
#[derive(Debug, Clone, Copy)]
enum KeyReply {
    Succeeds,
    /// A refusal without further information than its status.
    Status(u16),
    /// A 429 because the account has no credit.
    NoCredit,
    /// A 429 because this request exceeds the limit.
    TooLarge,
    /// A 401 that names the key.
    BadKey,
    /// The 400 of Google that names the key.
    GoogleBadKey,
    Resets,
}
use KeyReply::{BadKey, GoogleBadKey, NoCredit, Resets, Status, Succeeds, TooLarge};

impl KeyReply {
    /// The response to the key at `index`.
    fn script(self, index: usize, endpoint: &Endpoint) -> Script {
        match self {
            Succeeds => endpoint.good_response(),
            Resets => Script::new().then(Step::Reset),
            _ => Script::json(self.status(), self.refusal(index))
                .header("X-Request-Id", &format!("req-{index}"))
                .header("Retry-After", "7"),
        }
    }

    fn status(self) -> u16 {
        match self {
            Succeeds | Resets => 200,
            Status(status) => status,
            NoCredit | TooLarge => 429,
            BadKey => 401,
            GoogleBadKey => 400,
        }
    }

    /// In a form that no serialiser would produce.
    fn refusal(self, index: usize) -> String {
        let error = match self {
            NoCredit => r#""code":"insufficient_quota""#,
            TooLarge => {
                r#""message":"Request too large for m in organization o on tokens per min (TPM): Limit 10, Requested 20.","type":"tokens","code":"rate_limit_exceeded""#
            }
            BadKey => r#""code":"invalid_api_key","code":"invalid_api_key""#,
            GoogleBadKey => {
                r#""code":400,"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]"#
            }
            _ => r#""code":1.0,"code":null"#,
        };
        format!("{{ \"error\" : {{{error}}} , \"at\":{index}.0 }}\n")
    }
}

/// The response to the client.
#[derive(Debug)]
enum ClientResult {
    /// The response to the key at this index, unchanged.
    Relayed(usize),
    /// An error of the gateway: status, `type`, `code`.
    Own(u16, &'static str, &'static str),
}
use ClientResult::{Own, Relayed};

const UNREACHABLE: ClientResult = Own(502, "api_error", "upstream_unreachable");
const REJECTED: ClientResult = Own(502, "api_error", "server_error");

struct Case {
    /// The responses to the keys, in order.
    replies: &'static [KeyReply],
    /// The number of keys that are tried, always in order.
    tried: usize,
    result: ClientResult,
    /// The record: the outcome (`completed`, or the error type of a failure), the upstream status, and the index of the
    /// key whose hint is stored.
    record: (&'static str, Option<u16>, usize),
}

const fn case(
    replies: &'static [KeyReply],
    tried: usize,
    result: ClientResult,
    record: (&'static str, Option<u16>, usize),
) -> Case {
    Case { replies, tried, result, record }
}

const CASES: [Case; 44] = [
    case(&[Succeeds, Succeeds], 1, Relayed(0), ("completed", Some(200), 0)),
    // Key errors: the next key is tried.
    case(&[Status(429), Succeeds], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[NoCredit, Succeeds], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[TooLarge, Succeeds], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[Status(401), Succeeds], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[BadKey, Succeeds], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[GoogleBadKey, Succeeds], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[Status(402), Succeeds], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[Status(403), Succeeds], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[Status(403), Status(429), Succeeds], 3, Relayed(2), ("completed", Some(200), 2)),
    case(&[Status(429), Succeeds, Succeeds], 2, Relayed(1), ("completed", Some(200), 1)),
    // Request and provider errors: relayed.
    case(&[Status(400), Succeeds], 1, Relayed(0), ("invalid_request", Some(400), 0)),
    case(&[Status(404), Succeeds], 1, Relayed(0), ("invalid_request", Some(404), 0)),
    case(&[Status(500), Succeeds], 1, Relayed(0), ("upstream_5xx", Some(500), 0)),
    case(&[Status(529), Succeeds], 1, Relayed(0), ("upstream_5xx", Some(529), 0)),
    case(&[Status(429), Status(500), Succeeds], 2, Relayed(1), ("upstream_5xx", Some(500), 1)),
    case(&[BadKey, Status(400), Succeeds], 2, Relayed(1), ("invalid_request", Some(400), 1)),
    // No response: an error, and no retry.
    case(&[Resets, Succeeds], 1, UNREACHABLE, ("upstream_unreachable", None, 0)),
    case(&[Status(429), Resets, Succeeds], 2, UNREACHABLE, ("upstream_unreachable", Some(429), 1)),
    // No key left: the most specific response is relayed, among equals the last. First a 429,
    case(&[Status(429)], 1, Relayed(0), ("rate_limited", Some(429), 0)),
    case(&[Status(429), Status(429)], 2, Relayed(1), ("rate_limited", Some(429), 1)),
    case(&[NoCredit, Status(429)], 2, Relayed(1), ("rate_limited", Some(429), 1)),
    case(&[Status(429), NoCredit], 2, Relayed(1), ("quota", Some(429), 1)),
    case(&[NoCredit], 1, Relayed(0), ("quota", Some(429), 0)),
    case(&[TooLarge, TooLarge], 2, Relayed(1), ("rate_limited", Some(429), 1)),
    case(&[Status(401), Status(429)], 2, Relayed(1), ("rate_limited", Some(429), 1)),
    case(&[TooLarge, Status(403)], 2, Relayed(0), ("rate_limited", Some(429), 0)),
    case(&[Status(403), Status(429)], 2, Relayed(1), ("rate_limited", Some(429), 1)),
    case(&[Status(429), Status(401), Status(403)], 3, Relayed(0), ("rate_limited", Some(429), 0)),
    case(&[Status(429), BadKey, Status(402)], 3, Relayed(0), ("rate_limited", Some(429), 0)),
    // then a 403,
    case(&[Status(403)], 1, Relayed(0), ("permission", Some(403), 0)),
    case(&[Status(403), Status(403)], 2, Relayed(1), ("permission", Some(403), 1)),
    case(&[Status(401), Status(403)], 2, Relayed(1), ("permission", Some(403), 1)),
    case(&[Status(403), Status(403), Status(402)], 3, Relayed(1), ("permission", Some(403), 1)),
    // then a 402,
    case(&[Status(402), Status(401)], 2, Relayed(0), ("quota", Some(402), 0)),
    case(&[BadKey, Status(402)], 2, Relayed(1), ("quota", Some(402), 1)),
    // then a 401, if one does not name its key,
    case(&[Status(401)], 1, Relayed(0), ("authentication", Some(401), 0)),
    case(&[Status(401), Status(401)], 2, Relayed(1), ("authentication", Some(401), 1)),
    case(&[BadKey, Status(401)], 2, Relayed(1), ("authentication", Some(401), 1)),
    case(&[Status(401), BadKey], 2, Relayed(1), ("authentication", Some(401), 1)),
    // then that all were rejected by name, for which the client's credential is not at fault.
    case(&[BadKey], 1, REJECTED, ("keys_exhausted", Some(401), 0)),
    case(&[BadKey, BadKey], 2, REJECTED, ("keys_exhausted", Some(401), 1)),
    case(&[GoogleBadKey], 1, REJECTED, ("keys_exhausted", Some(400), 0)),
    case(&[BadKey, GoogleBadKey], 2, REJECTED, ("keys_exhausted", Some(400), 1)),
];

#[tokio::test]
async fn provider_responses_determine_failover_and_the_client_response() {
    for case in &CASES {
        let replies = case.replies;
        let provider = ScriptedProvider::start(move |request| {
            let index = KEYS.iter().position(|key| request.bearer() == Some(key)).unwrap();
            replies[index].script(index, Endpoint::of(request))
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..replies.len()]).await;
        for endpoint in &ENDPOINTS {
            check(endpoint, case, &provider, &gateway).await;
            gateway.advance(Duration::from_secs(2 * 60 * 60)); // every cooldown is over
        }
    }
}

async fn check(endpoint: &Endpoint, case: &Case, provider: &ScriptedProvider, gateway: &Harness) {
    let about = format!("{} {:?}", endpoint.name, case.replies);
    let before = provider.received().len();

    let response = endpoint.call(gateway, &[]).await;

    let received = &provider.received()[before..];
    let keys: Vec<_> = received.iter().filter_map(ReceivedRequest::bearer).collect();
    assert_eq!(keys, KEYS[..case.tried], "{about}: tried");
    assert!(
        received.iter().all(|request| request.body == endpoint.body),
        "{about}: every key gets the same body"
    );
    match case.result {
        Relayed(index) => assert_relayed(&response, case.replies[index], index, endpoint, &about),
        Own(status, kind, code) => {
            assert_own(&response, status, kind, code, &about);
            assert_eq!(response.header("retry-after"), None, "{about}");
        }
    }
    if !endpoint.is_recorded {
        assert_eq!(response.header("x-aibridge-interception-id"), None, "{about}");
        return;
    }
    let (outcome, status, key) = case.record;
    assert_recorded(gateway, &response, outcome, status, &about);
    let row = recorded(gateway, &response);
    assert_eq!(row["credential_kind"], "centralized", "{about}");
    assert_eq!(row["credential_hint"], HINTS[key], "{about}");
}

/// Checks that status, headers and body are those that the provider sent.
fn assert_relayed(response: &Response, replies: KeyReply, index: usize, endpoint: &Endpoint, about: &str) {
    assert_eq!(response.header("x-aibridge-error"), None, "{about}: it is not the gateway's own");
    if let Succeeds = replies {
        assert_eq!((response.status(), response.text()), (200, endpoint.response), "{about}");
        return;
    }
    let expected = replies.refusal(index);
    assert_eq!((response.status(), response.text()), (replies.status(), expected.as_str()), "{about}");
    let mut names = response.head.names();
    names.sort();
    let mut expected = vec!["content-length", "content-type", "date", "retry-after", "x-request-id"];
    if endpoint.is_recorded {
        expected.push("x-aibridge-interception-id");
    }
    expected.sort_unstable();
    assert_eq!(names, expected, "{about}");
    assert_eq!(response.header("content-type"), Some("application/json"), "{about}");
    assert_eq!(response.header("retry-after"), Some("7"), "{about}");
    assert_eq!(response.header("x-request-id"), Some(format!("req-{index}").as_str()), "{about}");
}

fn assert_own(response: &Response, status: u16, kind: &str, code: &str, about: &str) {
    assert_eq!((response.status(), response.header("x-aibridge-error")), (status, Some(code)), "{about}");
    let error = &response.json()["error"];
    assert_eq!((&error["type"], &error["code"]), (&kind.into(), &code.into()), "{about}");
}

/// Checks the record: `outcome` is `completed`, or the error type of a failure.
fn assert_recorded(gateway: &Harness, response: &Response, outcome: &str, status: Option<u16>, about: &str) {
    let row = recorded(gateway, response);
    let (outcome, error_type) =
        if outcome == "completed" { (outcome, Value::Null) } else { ("failed", Value::from(outcome)) };
    assert_eq!((&row["outcome"], &row["error_type"]), (&outcome.into(), &error_type), "{about}");
    assert_eq!(row["upstream_status"], status.map_or(Value::Null, Value::from), "{about}");
    assert!(row["ended_at"].is_string(), "{about}");
}

#[tokio::test]
async fn byok_never_fails_over() {
    let table = [
        (Succeeds, "completed"),
        (Status(401), "authentication"),
        (BadKey, "authentication"),
        (GoogleBadKey, "invalid_request"),
        (Status(402), "quota"),
        (NoCredit, "quota"),
        (TooLarge, "rate_limited"),
        (Status(403), "permission"),
        (Status(429), "rate_limited"),
        (Status(500), "upstream_5xx"),
        (Resets, "upstream_unreachable"),
    ];
    for endpoint in &ENDPOINTS {
        let provider =
            ScriptedProvider::start(move |request| table[request.number].0.script(0, endpoint)).await;
        let gateway = Harness::with_keys(&provider.base_url(), &[]).await;
        for (number, (replies, outcome)) in table.into_iter().enumerate() {
            let about = format!("{} {replies:?}", endpoint.name);

            let response = endpoint.call(&gateway, &[("Authorization", OWN_BEARER)]).await;

            let received = &provider.received()[number..];
            let keys: Vec<_> = received.iter().filter_map(ReceivedRequest::bearer).collect();
            assert_eq!(keys, [OWN_KEY], "{about}");
            let status = match replies {
                Resets => {
                    assert_own(&response, 502, "api_error", "upstream_unreachable", &about);
                    None
                }
                _ => {
                    assert_relayed(&response, replies, 0, endpoint, &about);
                    Some(response.status())
                }
            };
            if endpoint.is_recorded {
                assert_recorded(&gateway, &response, outcome, status, &about);
                let row = recorded(&gateway, &response);
                assert_eq!(row["credential_kind"], "byok", "{about}");
                assert_eq!(row["credential_hint"], OWN_HINT, "{about}");
            }
        }
    }
}

#[tokio::test]
async fn a_refused_connection_is_not_retried_with_other_keys() {
    // Bound but not listening, so that no other process gets the port and connections are refused.
    let nobody = TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let base_url = format!("http://{}/v1/", nobody.local_addr().unwrap());
    let gateway = Harness::with_keys(&base_url, &KEYS).await;
    for endpoint in &ENDPOINTS {
        let response = endpoint.call(&gateway, &[]).await;
        assert_own(&response, 502, "api_error", "upstream_unreachable", endpoint.name);
        if endpoint.is_recorded {
            assert_recorded(&gateway, &response, "upstream_unreachable", None, endpoint.name);
            assert_eq!(
                recorded(&gateway, &response)["credential_hint"],
                HINTS[0],
                "no failover: {}",
                endpoint.name
            );
        }
    }
}
