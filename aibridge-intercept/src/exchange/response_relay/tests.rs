//! Tests of the relay with a provider that sends its chunks one by one.

use super::*;
use crate::cost::NoopCostMeter;
use crate::gateway::Gateway;
use crate::interceptor::Interceptor;
use crate::relay::ResponseBody;
use aibridge_observer::EventAction;
use aibridge_recorder::{Interception, InterceptionEnd, Record, Recorder, RecorderError};
use aibridge_sse::Event;
use aibridge_upstream::call::Timeouts;
use async_trait::async_trait;
use futures_util::stream;
use http::Response;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Stores the outcomes of interceptions.
#[derive(Default)]
struct OutcomeRecorder(Mutex<Vec<Outcome>>);

#[async_trait]
impl Recorder for OutcomeRecorder {
    async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError> {
        let outcome = |record| match record {
            Record::End(InterceptionEnd { outcome, .. }) => Some(outcome),
            _ => None,
        };
        self.0.lock().extend(records.into_iter().filter_map(outcome));
        Ok(())
    }
}

/// Treats every body as complete, and every event as an error.
#[derive(Default)]
struct FailingStreams(Ending);

impl Observer for FailingStreams {
    fn event(&mut self, event: &Event) -> EventAction {
        self.0 = if event.data().is_some() { Ending::Failed } else { self.0 };
        EventAction::Relay
    }

    fn body(&mut self, _: &[u8]) {
        self.0 = Ending::Complete;
    }

    fn has_failed(&self) -> bool {
        self.0 == Ending::Failed
    }

    fn finish(&mut self) -> ResponseSummary {
        ResponseSummary { ending: self.0, ..ResponseSummary::default() }
    }

    fn error_event(&self, _: &Error) -> Bytes {
        Bytes::from_static(b"data: broken\n\n")
    }
}

/// Relays a given response.
struct FixedResponse {
    interception: Arc<Interception>,
    response: UpstreamResponse,
}

#[async_trait]
impl Interceptor for FixedResponse {
    fn interception(&self) -> &Arc<Interception> {
        &self.interception
    }

    async fn process(self: Box<Self>, exchange: &mut Exchange) -> Result<(), InterceptError> {
        exchange
            .relay_response(self.response, Box::<FailingStreams>::default(), self.interception.streaming)
            .await
    }
}

type Provider = mpsc::UnboundedSender<io::Result<&'static str>>;

/// A response body of an announced length, of which it reports what is left, like the HTTP client.
struct SizedBody {
    chunks: mpsc::UnboundedReceiver<&'static str>,
    left: u64,
}

impl http_body::Body for SizedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let chunk = ready!(self.chunks.poll_recv(context));
        self.left -= chunk.map_or(0, |chunk| chunk.len() as u64);
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(Bytes::from(chunk)))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// The sending end of a response body, and an interceptor that relays the response to a blocking or streaming request.
fn response(streaming: bool) -> (Provider, FixedResponse) {
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
    let timeouts = Timeouts {
        connect: wait,
        response: wait,
        stream_idle: wait,
        keep_alive: wait,
        drain_on_disconnect: Duration::ZERO,
    };
    let response = UpstreamResponse::new(Response::new(body).into(), None, timeouts);
    (provider, FixedResponse { interception: Arc::new(interception), response })
}

async fn begin(interceptor: FixedResponse) -> (Arc<OutcomeRecorder>, Gateway, Response<ResponseBody>) {
    let outcomes = Arc::new(OutcomeRecorder::default());
    let gateway = Gateway::new(outcomes.clone());
    let response =
        gateway.intercept(Box::new(interceptor), gateway.clock.now(), Box::new(NoopCostMeter)).await;
    (outcomes, gateway, response)
}

async fn next_piece(body: &mut ResponseBody) -> Option<Result<Bytes, crate::relay::IncompleteBody>> {
    Some(body.frame().await?.map(|frame| frame.into_data().unwrap_or_default()))
}

#[tokio::test(start_paused = true)]
async fn a_slow_blocking_response_begins_after_ten_seconds() {
    for streaming in [false, true] {
        let (provider, interceptor) = response(streaming);
        provider.send(Ok("\n\n")).unwrap();
        let called_at = Instant::now();
        let (outcomes, _gateway, response) = begin(interceptor).await;
        assert_eq!(called_at.elapsed().as_secs(), 10, "the head was held back for ten seconds");
        let mut body = response.into_body();
        assert_eq!(next_piece(&mut body).await.unwrap().unwrap(), "\n\n");
        provider.send(Ok(" ")).unwrap();
        assert_eq!(next_piece(&mut body).await.unwrap().unwrap(), " ", "whitespace is relayed as it comes");
        provider.send(Ok("{\"a\":")).unwrap();
        provider.send(Ok("1}")).unwrap();
        let next = tokio::time::timeout(Duration::from_secs(60), next_piece(&mut body)).await;
        assert!(next.is_err(), "the rest waits for the end records");
        drop(provider);
        assert_eq!(next_piece(&mut body).await.unwrap().unwrap(), "{\"a\":1}");
        assert_eq!(*outcomes.0.lock(), [Outcome::Completed]);
        assert!(next_piece(&mut body).await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_blocking_response_keeps_its_announced_length() {
    let (_, mut interceptor) = response(false);
    let (provider, chunks) = mpsc::unbounded_channel();
    let body = reqwest::Body::wrap(SizedBody { chunks, left: 9 });
    interceptor.response.http = Response::new(body).into();
    provider.send(" {\"a\"").unwrap();
    let (outcomes, _gateway, response) = begin(interceptor).await;
    let mut body = response.into_body();
    assert_eq!(body.size_hint().exact(), Some(9));
    assert_eq!(next_piece(&mut body).await.unwrap().unwrap(), " ");
    provider.send(":1}").unwrap();
    drop(provider);
    assert_eq!(next_piece(&mut body).await.unwrap().unwrap(), "{\"a\":1}");
    assert!(next_piece(&mut body).await.is_none());
    assert_eq!(*outcomes.0.lock(), [Outcome::Completed]);
}

#[tokio::test(start_paused = true)]
async fn a_blocking_response_that_has_begun_breaks_off_with_its_provider() {
    let (provider, interceptor) = response(false);
    provider.send(Ok(" ")).unwrap();
    let (outcomes, _gateway, response) = begin(interceptor).await;
    let mut body = response.into_body();
    assert_eq!(next_piece(&mut body).await.unwrap().unwrap(), " ");
    provider.send(Ok("{\"a\":")).unwrap();
    provider.send(Err(io::ErrorKind::ConnectionReset.into())).unwrap();
    assert!(next_piece(&mut body).await.unwrap().is_err());
    assert_eq!(*outcomes.0.lock(), [Outcome::Failed(ErrorType::UpstreamUnreachable)]);
}

#[tokio::test]
async fn a_client_that_disconnects_after_an_error_did_not_cancel() {
    let (provider, interceptor) = response(true);
    provider.send(Ok("data: {\"error\":{}}\n\n")).unwrap();
    let (outcomes, gateway, response) = begin(interceptor).await;
    let mut body = response.into_body();
    assert_eq!(next_piece(&mut body).await.unwrap().unwrap(), "data: {\"error\":{}}\n\n");
    drop(body);
    gateway.tasks.close();
    gateway.tasks.wait().await;
    assert_eq!(*outcomes.0.lock(), [Outcome::Failed(ErrorType::StreamError)]);
}

#[tokio::test]
async fn an_error_after_an_event_without_a_blank_line_is_a_separate_event() {
    for (begin_with, expected) in [
        ("data: 1\ndata: 2", "\ndata: broken\n\n"),
        ("data: 1\n\ndata: 2", "data: broken\n\n"),
        ("{\"a\":1}\n{\"b\"", "{\"error\":"),
    ] {
        let (provider, interceptor) = response(true);
        provider.send(Ok(begin_with)).unwrap();
        let (_, _gateway, response) = begin(interceptor).await;
        let mut body = response.into_body();
        next_piece(&mut body).await.unwrap().unwrap();
        provider.send(Err(io::ErrorKind::ConnectionReset.into())).unwrap();
        let sent = next_piece(&mut body).await.unwrap().unwrap();
        assert!(sent.starts_with(expected.as_bytes()), "{begin_with:?} {sent:?}");
    }
}
