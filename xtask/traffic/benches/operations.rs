//! The operations of each request and event, ready to be repeated.

use aibridge_intercept::headers::{RequestHeaderRules, response_headers};
use aibridge_intercept::payload::Payload;
use aibridge_intercept::{Actor, Observer, Request, RequestBody};
use aibridge_json::Edit;
use aibridge_keypool::KeyPool;
use aibridge_provider::UsageChunk;
use aibridge_sse::{Event, Splitter};
use aibridge_traffic::{Dialect, Shape, chat_event, message_event, response_event};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::hint::black_box;

/// An operation that can be repeated.
pub(crate) type Operation = Box<dyn FnMut()>;

/// All operations, by name.
pub(crate) fn all() -> Vec<(String, Operation)> {
    let mut all = Vec::new();
    let dialects =
        [(Dialect::Chat, "chat"), (Dialect::Responses, "responses"), (Dialect::Messages, "messages")];
    for (dialect, name) in dialects {
        for bytes in [1_000, 20_000, 300_000] {
            all.push((format!("read {name} {} KB", bytes / 1000), read(dialect, bytes)));
        }
    }
    for bytes in [1_000, 20_000, 300_000] {
        all.push((format!("splice {} KB", bytes / 1000), splice(bytes)));
    }
    all.push(("split 100 events".into(), split()));
    all.push((
        "observe a chat chunk".into(),
        observe(chat_event(1), Box::new(aibridge_chatcompletions::Streaming::new(true))),
    ));
    all.push((
        "observe a responses event".into(),
        observe(response_event(1), Box::<aibridge_responses::Streaming>::default()),
    ));
    all.push((
        "observe a messages delta".into(),
        observe(message_event(), Box::<aibridge_messages::Streaming>::default()),
    ));
    all.push(("choose a key of 10".into(), choose()));
    all.push(("headers to the provider".into(), provider_headers()));
    all.push(("headers to the client".into(), client_headers()));
    all
}

fn read(dialect: Dialect, bytes: usize) -> Operation {
    let shape = Shape { stream: true, ..Shape::of(dialect, bytes) };
    let request = Request {
        route: dialect.route().to_owned(),
        query: None,
        headers: headers(),
        body: RequestBody::plain(shape.body().into()),
        actor: Actor::anonymous(),
    };
    let read = move |request: &Request| match dialect {
        Dialect::Chat => aibridge_chatcompletions::parse_request(request, UsageChunk::Add),
        Dialect::Responses => aibridge_responses::parse_request(request),
        Dialect::Messages => aibridge_messages::parse_request(request),
    };
    Box::new(move || drop(black_box(read(black_box(&request)))))
}

fn splice(bytes: usize) -> Operation {
    let body = Bytes::from(Shape::of(Dialect::Chat, bytes).body());
    Box::new(move || {
        let edit = Edit::insert_first(&body, r#""stream_options":{"include_usage":true}"#);
        drop(black_box(Payload::edited(black_box(&body), vec![edit])));
    })
}

fn split() -> Operation {
    let chunk = Bytes::from((0..100).map(chat_event).collect::<String>());
    let mut splitter = Splitter::default();
    Box::new(move || {
        splitter.push(black_box(chunk.clone()));
        while let Some(event) = splitter.next_event() {
            black_box(event);
        }
    })
}

fn observe(event: String, mut observer: Box<dyn Observer>) -> Operation {
    let event = Event::from(Bytes::from(event));
    Box::new(move || {
        black_box(observer.event(black_box(&event)));
    })
}

fn choose() -> Operation {
    let keys = (0..10).map(|at| format!("sk-bench-{at:08}").into()).collect();
    let pool = KeyPool::new(keys, quanta::Clock::new());
    Box::new(move || {
        if let Ok(pool) = &pool {
            drop(black_box(pool.walk().next_key()));
        }
    })
}

fn provider_headers() -> Operation {
    let (client, extra) = (headers(), HeaderMap::new());
    Box::new(move || {
        let rules = RequestHeaderRules {
            centralized: true,
            decompressed: false,
            auth_header: &http::header::AUTHORIZATION,
            extra: &extra,
            actor: None,
        };
        drop(black_box(rules.apply(black_box(&client))));
    })
}

fn client_headers() -> Operation {
    let provider = headers();
    Box::new(move || drop(black_box(response_headers(black_box(&provider), true))))
}

fn headers() -> HeaderMap {
    const HEADERS: [(&str, &str); 14] = [
        ("host", "127.0.0.1:8080"),
        ("accept", "application/json"),
        ("content-type", "application/json"),
        ("user-agent", "OpenAI/Python 2.8.1"),
        ("x-stainless-lang", "python"),
        ("x-stainless-package-version", "2.8.1"),
        ("x-stainless-os", "Linux"),
        ("x-stainless-arch", "x64"),
        ("x-stainless-runtime", "CPython"),
        ("x-stainless-runtime-version", "3.13.1"),
        ("x-stainless-async", "false"),
        ("x-request-id", "req_0123456789abcdef"),
        ("authorization", "Bearer sk-what-the-sdk-insists-on"),
        ("content-length", "1000"),
    ];
    HEADERS
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .into_iter()
        .collect()
}
