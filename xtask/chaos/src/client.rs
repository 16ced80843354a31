//! A client that sends requests one after the other on its connection, and records how each response ended.

use super::readiness::Timeline;
use aibridge_chaos_checker::{Ledger, Outcome, Plan, response};
use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// The longest time that a client waits for a response.
const RESPONSE_LIMIT: Duration = Duration::from_secs(60);

/// The pause after a refused or broken request, so that repeated refusals leave CPU time for the fault.
const PAUSE: Duration = Duration::from_millis(20);

/// A gateway that clients use: its address and its timeline.
#[derive(Clone)]
pub(super) struct Target {
    /// Its address, `None` while it does not run.
    pub(super) address: watch::Receiver<Option<SocketAddr>>,
    pub(super) timeline: Arc<Timeline>,
}

/// A client of one gateway.
pub(super) struct Client {
    pub(super) ledger: Arc<Ledger>,
    pub(super) target: Target,
    pub(super) stop: CancellationToken,
    /// The size of each prompt in bytes; `None` for that of the plan.
    pub(super) prompt: Option<usize>,
    /// The pause after each response.
    pub(super) pause: Duration,
}

/// The size of a prompt, in bytes, from which its request is built on another thread.
const LARGE: usize = 1 << 20;

type Connection = SendRequest<Full<Bytes>>;

impl Client {
    /// Sends requests until it is stopped.
    pub(super) async fn run(mut self) {
        while !self.stop.is_cancelled() {
            if let Some(connection) = self.connect().await {
                self.use_connection(connection).await;
            }
            tokio::select! { () = sleep(PAUSE) => {}, () = self.stop.cancelled() => {} }
        }
    }

    async fn connect(&mut self) -> Option<Connection> {
        let address = tokio::select! {
            address = self.target.address.wait_for(Option::is_some) => (*address.ok()?)?,
            () = self.stop.cancelled() => return None,
        };
        let stream = TcpStream::connect(address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        Some(sender)
    }

    /// Sends requests until the connection breaks, a request is refused, or the client is stopped.
    async fn use_connection(&self, mut connection: Connection) {
        while !self.stop.is_cancelled() && connection.ready().await.is_ok() {
            let plan = self.ledger.begin(self.prompt);
            let body = body(&plan).await;
            let began = Instant::now();
            let outcome = timeout(RESPONSE_LIMIT, call(&mut connection, &plan, body)).await;
            let outcome = outcome.unwrap_or(Ok(Outcome::Broken)).unwrap_or(Outcome::Broken);
            match outcome {
                Outcome::Whole(_) => self.target.timeline.note_served(began),
                Outcome::Refused(..) => self.target.timeline.note_refused(),
                Outcome::EndCut | Outcome::Altered | Outcome::Broken => {}
            }
            let is_whole = matches!(outcome, Outcome::Whole(_));
            self.ledger.note_outcome(&plan, outcome, began.elapsed());
            if !is_whole {
                return;
            }
            sleep(self.pause).await;
        }
    }
}

/// Builds the body of a request: a large one on another thread, so that no other client waits for it.
async fn body(plan: &Plan) -> Bytes {
    if plan.prompt_bytes < LARGE {
        return plan.body().into();
    }
    let plan = plan.clone();
    spawn_blocking(move || plan.body().into()).await.unwrap_or_default()
}

async fn call(connection: &mut Connection, plan: &Plan, body: Bytes) -> Result<Outcome> {
    let request = Request::post(plan.route())
        .header("Host", "localhost")
        .header("Content-Type", "application/json")
        .header("User-Agent", plan.user_agent());
    let response = connection.send_request(request.body(Full::new(body))?).await?;
    let header = |name| {
        let value = response.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (id, refusal) = (header("x-aibridge-interception-id"), header("x-aibridge-error"));
    if response.status() == 503 && header("x-should-retry") == "false" {
        return Ok(Outcome::EndCut);
    }
    if response.status() != 200 {
        return Ok(Outcome::Refused(response.status().as_u16(), refusal));
    }
    read(response, response::body(plan).as_bytes(), id).await
}

/// Reads a response and compares it with `expected`. Its last byte counts, not the end of its framing: a client acts on the
/// terminal event at once.
async fn read(response: Response<Incoming>, expected: &[u8], id: String) -> Result<Outcome> {
    let mut body = response.into_body();
    let mut received = Vec::with_capacity(expected.len());
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => received.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Err(_) if received == expected => break,
            // An error event of the gateway may follow what the provider sent.
            Err(_) => return Ok(Outcome::Broken),
        }
    }
    Ok(match received {
        whole if whole == expected => Outcome::Whole(id),
        cut if is_cut(&cut, expected) => Outcome::Broken,
        _ => Outcome::Altered,
    })
}

/// Whether `received` is a beginning of `expected`, followed by nothing or by an error event of the gateway.
fn is_cut(received: &[u8], expected: &[u8]) -> bool {
    let same = received.iter().zip(expected).take_while(|(left, right)| left == right).count();
    same == received.len() || memchr::memmem::find(&received[same.saturating_sub(32)..], b"error").is_some()
}
