use super::*;
use crate::call::Timeouts;
use crate::gateway::Gateway;
use crate::interceptor::Interceptor;
use crate::observer::EventAction;
use crate::relay::AnswerBody;
use crate::sse::Event;
use aibridge_recorder::{Interception, InterceptionEnd, Record, Recorder, RecorderError};
use async_trait::async_trait;
use futures_util::stream;
use http::Response;
use http_body_util::BodyExt;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Keeps how interceptions ended.
#[derive(Default)]
struct Ends(Mutex<Vec<Outcome>>);

#[async_trait]
impl Recorder for Ends {
    async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError> {
        let outcome = |record| match record {
            Record::End(InterceptionEnd { outcome, .. }) => Some(outcome),
            _ => None,
        };
        self.0.lock().extend(records.into_iter().filter_map(outcome));
        Ok(())
    }
}

/// Takes every body for a good one, and every event for an error.
#[derive(Default)]
struct Simple(Ending);

impl Observer for Simple {
    fn event(&mut self, event: &Event) -> EventAction {
        self.0 = if event.data().is_some() { Ending::Failed } else { self.0 };
        EventAction::Relay
    }

    fn body(&mut self, _: &[u8]) {
        self.0 = Ending::Complete;
    }

    fn finish(&mut self) -> ResponseSummary {
        ResponseSummary { ending: self.0, ..ResponseSummary::default() }
    }

    fn error_event(&self, _: &Error) -> Bytes {
        Bytes::from_static(b"data: broken\n\n")
    }
}

/// Relays an answer that is given.
struct Given {
    interception: Arc<Interception>,
    answer: Answer,
}

#[async_trait]
impl Interceptor for Given {
    fn asked(&self) -> (&Arc<Interception>, Option<&str>) {
        (&self.interception, None)
    }

    async fn process(self: Box<Self>, exchange: &mut Exchange) -> Result<(), InterceptError> {
        exchange.answer(self.answer, Box::<Simple>::default(), self.interception.streaming).await
    }
}

type Provider = mpsc::UnboundedSender<io::Result<&'static str>>;

/// A provider's end of the body of an answer, and the answer to a request that is for a stream or not.
fn answer(streaming: bool) -> (Provider, Given) {
    let (provider, receiver) = mpsc::unbounded_channel();
    let chunks = stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
    let body = reqwest::Body::wrap_stream(chunks);
    let wait = Duration::from_secs(600);
    let interception = Interception {
        id: Uuid::now_v7(),
        initiator_id: "a".into(),
        provider: "openai".into(),
        provider_name: "openai".into(),
        model: "m".into(),
        route: "/chat/completions".into(),
        streaming,
        client: "Unknown".into(),
        client_session_id: None,
        user_agent: None,
        credential_kind: CredentialKind::Byok,
        credential_hint: String::new(),
        correlating_tool_call_id: None,
        metadata: BTreeMap::new(),
        started_at: Timestamp::now(),
    };
    let answer = Answer {
        response: Response::new(body).into(),
        deadline: None,
        permit: None,
        tapped: None,
        timeouts: Timeouts { connect: wait, response: wait, stream_idle: wait, keep_alive: wait },
        over: None,
    };
    (provider, Given { interception: Arc::new(interception), answer })
}

async fn begin(given: Given) -> (Arc<Ends>, Gateway, Response<AnswerBody>) {
    let ends = Arc::new(Ends::default());
    let gateway = Gateway::new(ends.clone());
    let response = gateway.intercept(Box::new(given), gateway.clock.now()).await;
    (ends, gateway, response)
}

async fn next_piece(body: &mut AnswerBody) -> Option<Result<Bytes, crate::relay::BrokenOff>> {
    Some(body.frame().await?.map(|frame| frame.into_data().unwrap_or_default()))
}

#[tokio::test(start_paused = true)]
async fn a_blocking_answer_that_takes_long_begins_after_ten_seconds() {
    for streaming in [false, true] {
        let (provider, given) = answer(streaming);
        provider.send(Ok("\n\n")).unwrap();
        let asked_at = Instant::now();
        let (ends, _gateway, response) = begin(given).await;
        assert_eq!(asked_at.elapsed().as_secs(), 10, "the head was held so long, and no longer");
        let mut body = response.into_body();
        assert_eq!(next_piece(&mut body).await.unwrap().unwrap(), "\n\n");
        provider.send(Ok(" ")).unwrap();
        assert_eq!(next_piece(&mut body).await.unwrap().unwrap(), " ", "blank bytes go on as they come");
        provider.send(Ok("{\"a\":")).unwrap();
        provider.send(Ok("1}")).unwrap();
        let held = tokio::time::timeout(Duration::from_secs(60), next_piece(&mut body)).await;
        assert!(held.is_err(), "the rest waits for the record");
        drop(provider);
        assert_eq!(next_piece(&mut body).await.unwrap().unwrap(), "{\"a\":1}");
        assert_eq!(*ends.0.lock(), [Outcome::Completed]);
        assert!(next_piece(&mut body).await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_blocking_answer_that_has_begun_breaks_off_if_its_provider_does() {
    let (provider, given) = answer(false);
    provider.send(Ok(" ")).unwrap();
    let (ends, _gateway, response) = begin(given).await;
    let mut body = response.into_body();
    assert_eq!(next_piece(&mut body).await.unwrap().unwrap(), " ");
    provider.send(Ok("{\"a\":")).unwrap();
    provider.send(Err(io::ErrorKind::ConnectionReset.into())).unwrap();
    assert!(next_piece(&mut body).await.unwrap().is_err());
    assert_eq!(*ends.0.lock(), [Outcome::Failed(ErrorType::UpstreamUnreachable)]);
}

#[tokio::test]
async fn a_client_that_leaves_because_of_an_error_did_not_cancel() {
    let (provider, given) = answer(true);
    provider.send(Ok("data: {\"error\":{}}\n\n")).unwrap();
    let (ends, gateway, response) = begin(given).await;
    let mut body = response.into_body();
    assert_eq!(next_piece(&mut body).await.unwrap().unwrap(), "data: {\"error\":{}}\n\n");
    drop(body);
    gateway.tasks.close();
    gateway.tasks.wait().await;
    assert_eq!(*ends.0.lock(), [Outcome::Failed(ErrorType::StreamError)]);
}

#[tokio::test]
async fn an_error_behind_an_event_without_a_blank_line_is_an_event_of_its_own() {
    for (begin_with, expected) in [
        ("data: 1\ndata: 2", "\ndata: broken\n\n"),
        ("data: 1\n\ndata: 2", "data: broken\n\n"),
        ("{\"a\":1}\n{\"b\"", "{\"error\":"),
    ] {
        let (provider, given) = answer(true);
        provider.send(Ok(begin_with)).unwrap();
        let (_, _gateway, response) = begin(given).await;
        let mut body = response.into_body();
        next_piece(&mut body).await.unwrap().unwrap();
        provider.send(Err(io::ErrorKind::ConnectionReset.into())).unwrap();
        let told = next_piece(&mut body).await.unwrap().unwrap();
        assert!(told.starts_with(expected.as_bytes()), "{begin_with:?} {told:?}");
    }
}
