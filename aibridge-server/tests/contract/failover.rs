//! Keys and failover: one table of what providers answer to keys, for every way to call.

use crate::harness::Harness;
use crate::ways::{HINTS, KEYS, OWN_BEARER, OWN_HINT, OWN_KEY, WAYS, Way, recorded};
use aibridge_testkit::{Answer, Received, Script, ScriptedProvider, Step};
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpSocket;

mod burst;
mod cooling;
mod exhausted;
mod fairness;
mod read_ahead;
mod replay;

/// What one key is answered.
#[derive(Debug, Clone, Copy)]
enum Says {
    Well,
    /// A refusal that says no more than its status.
    Status(u16),
    /// A 429: the account has no credit.
    NoCredit,
    /// A 429: this request is too large for the limit.
    TooLarge,
    /// A 401 that names the key.
    BadKey,
    /// Google's 400 that names the key.
    GoogleBadKey,
    Nothing,
}
use Says::{BadKey, GoogleBadKey, NoCredit, Nothing, Status, TooLarge, Well};

impl Says {
    /// The answer to the key at `index`.
    fn script(self, index: usize, way: &Way) -> Script {
        match self {
            Well => way.good_answer(),
            Nothing => Script::new().then(Step::Reset),
            _ => Script::json(self.status(), self.refusal(index))
                .header("X-Request-Id", &format!("req-{index}"))
                .header("Retry-After", "7"),
        }
    }

    fn status(self) -> u16 {
        match self {
            Well | Nothing => 200,
            Status(status) => status,
            NoCredit | TooLarge => 429,
            BadKey => 401,
            GoogleBadKey => 400,
        }
    }

    /// Spelt as nobody would re-serialise it.
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

/// What the client gets.
#[derive(Debug)]
enum Gets {
    /// The answer to the key at this index, as it came.
    Relayed(usize),
    /// An answer of the gateway's own: status, `type`, `code`.
    Own(u16, &'static str, &'static str),
}
use Gets::{Own, Relayed};

const UNREACHABLE: Gets = Own(502, "api_error", "upstream_unreachable");
const REJECTED: Gets = Own(502, "api_error", "server_error");

struct Case {
    /// What the keys are answered, in their order.
    says: &'static [Says],
    /// How many of them are tried; always in their order.
    tried: usize,
    gets: Gets,
    /// What is recorded: the outcome (`completed`, or the error type of a failure), the upstream status, and whose
    /// hint.
    record: (&'static str, Option<u16>, usize),
}

const fn case(
    says: &'static [Says],
    tried: usize,
    gets: Gets,
    record: (&'static str, Option<u16>, usize),
) -> Case {
    Case { says, tried, gets, record }
}

const CASES: [Case; 44] = [
    case(&[Well, Well], 1, Relayed(0), ("completed", Some(200), 0)),
    // About the key: the next one is tried.
    case(&[Status(429), Well], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[NoCredit, Well], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[TooLarge, Well], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[Status(401), Well], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[BadKey, Well], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[GoogleBadKey, Well], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[Status(402), Well], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[Status(403), Well], 2, Relayed(1), ("completed", Some(200), 1)),
    case(&[Status(403), Status(429), Well], 3, Relayed(2), ("completed", Some(200), 2)),
    case(&[Status(429), Well, Well], 2, Relayed(1), ("completed", Some(200), 1)),
    // About the request or the provider: relayed.
    case(&[Status(400), Well], 1, Relayed(0), ("invalid_request", Some(400), 0)),
    case(&[Status(404), Well], 1, Relayed(0), ("invalid_request", Some(404), 0)),
    case(&[Status(500), Well], 1, Relayed(0), ("upstream_5xx", Some(500), 0)),
    case(&[Status(529), Well], 1, Relayed(0), ("upstream_5xx", Some(529), 0)),
    case(&[Status(429), Status(500), Well], 2, Relayed(1), ("upstream_5xx", Some(500), 1)),
    case(&[BadKey, Status(400), Well], 2, Relayed(1), ("invalid_request", Some(400), 1)),
    // No answer: an error, and not repeated.
    case(&[Nothing, Well], 1, UNREACHABLE, ("upstream_unreachable", None, 0)),
    case(&[Status(429), Nothing, Well], 2, UNREACHABLE, ("upstream_unreachable", Some(429), 1)),
    // No key left: the most telling answer is relayed, among equals the last. A 429,
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
async fn what_a_provider_answers_decides_about_the_key_and_the_request() {
    for case in &CASES {
        let says = case.says;
        let provider = ScriptedProvider::start(move |request| {
            let index = KEYS.iter().position(|key| request.bearer() == Some(key)).unwrap();
            says[index].script(index, Way::of(request))
        })
        .await;
        let gateway = Harness::with_keys(&provider.base_url(), &KEYS[..says.len()]).await;
        for way in &WAYS {
            check(way, case, &provider, &gateway).await;
            gateway.advance(Duration::from_secs(2 * 60 * 60)); // every key has rested
        }
    }
}

async fn check(way: &Way, case: &Case, provider: &ScriptedProvider, gateway: &Harness) {
    let about = format!("{} {:?}", way.name, case.says);
    let before = provider.received().len();

    let answer = way.ask(gateway, &[]).await;

    let received = &provider.received()[before..];
    let keys: Vec<_> = received.iter().filter_map(Received::bearer).collect();
    assert_eq!(keys, KEYS[..case.tried], "{about}: tried");
    assert!(received.iter().all(|request| request.body == way.body), "{about}: every key gets the same body");
    match case.gets {
        Relayed(index) => assert_relayed(&answer, case.says[index], index, way, &about),
        Own(status, kind, code) => {
            assert_own(&answer, status, kind, code, &about);
            assert_eq!(answer.header("retry-after"), None, "{about}");
        }
    }
    if !way.is_recorded {
        assert_eq!(answer.header("x-aibridge-interception-id"), None, "{about}");
        return;
    }
    let (how, status, key) = case.record;
    assert_recorded(gateway, &answer, how, status, &about);
    let row = recorded(gateway, &answer);
    assert_eq!(row["credential_kind"], "centralized", "{about}");
    assert_eq!(row["credential_hint"], HINTS[key], "{about}");
}

/// Status, headers and body are what the provider sent.
fn assert_relayed(answer: &Answer, says: Says, index: usize, way: &Way, about: &str) {
    assert_eq!(answer.header("x-aibridge-error"), None, "{about}: it is not the gateway's own");
    if let Well = says {
        assert_eq!((answer.status(), answer.text()), (200, way.answer), "{about}");
        return;
    }
    let expected = says.refusal(index);
    assert_eq!((answer.status(), answer.text()), (says.status(), expected.as_str()), "{about}");
    let mut names = answer.head.names();
    names.sort();
    let mut expected = vec!["content-length", "content-type", "date", "retry-after", "x-request-id"];
    if way.is_recorded {
        expected.push("x-aibridge-interception-id");
    }
    expected.sort_unstable();
    assert_eq!(names, expected, "{about}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{about}");
    assert_eq!(answer.header("retry-after"), Some("7"), "{about}");
    assert_eq!(answer.header("x-request-id"), Some(format!("req-{index}").as_str()), "{about}");
}

fn assert_own(answer: &Answer, status: u16, kind: &str, code: &str, about: &str) {
    assert_eq!((answer.status(), answer.header("x-aibridge-error")), (status, Some(code)), "{about}");
    let error = &answer.json()["error"];
    assert_eq!((&error["type"], &error["code"]), (&kind.into(), &code.into()), "{about}");
}

/// `how` is `completed`, or the error type of a failure.
fn assert_recorded(gateway: &Harness, answer: &Answer, how: &str, status: Option<u16>, about: &str) {
    let row = recorded(gateway, answer);
    let (outcome, error_type) =
        if how == "completed" { (how, Value::Null) } else { ("failed", Value::from(how)) };
    assert_eq!((&row["outcome"], &row["error_type"]), (&outcome.into(), &error_type), "{about}");
    assert_eq!(row["upstream_status"], status.map_or(Value::Null, Value::from), "{about}");
    assert!(row["ended_at"].is_string(), "{about}");
}

#[tokio::test]
async fn byok_never_fails_over() {
    let table = [
        (Well, "completed"),
        (Status(401), "authentication"),
        (BadKey, "authentication"),
        (GoogleBadKey, "invalid_request"),
        (Status(402), "quota"),
        (NoCredit, "quota"),
        (TooLarge, "rate_limited"),
        (Status(403), "permission"),
        (Status(429), "rate_limited"),
        (Status(500), "upstream_5xx"),
        (Nothing, "upstream_unreachable"),
    ];
    for way in &WAYS {
        let provider = ScriptedProvider::start(move |request| table[request.number].0.script(0, way)).await;
        let gateway = Harness::with_keys(&provider.base_url(), &[]).await;
        for (number, (says, how)) in table.into_iter().enumerate() {
            let about = format!("{} {says:?}", way.name);

            let answer = way.ask(&gateway, &[("Authorization", OWN_BEARER)]).await;

            let received = &provider.received()[number..];
            let keys: Vec<_> = received.iter().filter_map(Received::bearer).collect();
            assert_eq!(keys, [OWN_KEY], "{about}");
            let status = match says {
                Nothing => {
                    assert_own(&answer, 502, "api_error", "upstream_unreachable", &about);
                    None
                }
                _ => {
                    assert_relayed(&answer, says, 0, way, &about);
                    Some(answer.status())
                }
            };
            if way.is_recorded {
                assert_recorded(&gateway, &answer, how, status, &about);
                let row = recorded(&gateway, &answer);
                assert_eq!(row["credential_kind"], "byok", "{about}");
                assert_eq!(row["credential_hint"], OWN_HINT, "{about}");
            }
        }
    }
}

#[tokio::test]
async fn a_provider_that_refuses_connections_is_unreachable_for_every_key() {
    // Bound but not listening: nobody else gets the port, and connections to it are refused.
    let nobody = TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let base_url = format!("http://{}/v1/", nobody.local_addr().unwrap());
    let gateway = Harness::with_keys(&base_url, &KEYS).await;
    for way in &WAYS {
        let answer = way.ask(&gateway, &[]).await;
        assert_own(&answer, 502, "api_error", "upstream_unreachable", way.name);
        if way.is_recorded {
            assert_recorded(&gateway, &answer, "upstream_unreachable", None, way.name);
            assert_eq!(recorded(&gateway, &answer)["credential_hint"], HINTS[0], "no failover: {}", way.name);
        }
    }
}
