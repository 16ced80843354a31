//! An OTLP collector for tests, over gRPC and over HTTP. No tests.

use aibridge_testkit::{Script, ScriptedProvider, wait_for};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span as WireSpan;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

/// Accepts every export.
pub(super) enum Collector {
    Grpc { address: String, exports: Exports },
    Http(ScriptedProvider),
}

/// Exports over gRPC, each with the value of its header `x-key`.
type Exports = Arc<Mutex<Vec<(ExportTraceServiceRequest, Option<String>)>>>;

struct Service(Exports);

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let key = request.metadata().get("x-key").and_then(|key| Some(key.to_str().ok()?.to_owned()));
        self.0.lock().unwrap().push((request.into_inner(), key));
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    pub(super) async fn grpc() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let exports = Exports::default();
        let service = TraceServiceServer::new(Service(exports.clone()));
        let server = Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Self::Grpc { address, exports }
    }

    pub(super) async fn http() -> Self {
        Self::Http(ScriptedProvider::start(|_| Script::json(200, "{}")).await)
    }

    /// Settings that export traces to this collector.
    pub(super) fn settings(&self) -> String {
        let protocol = match self {
            Self::Grpc { .. } => "grpc",
            Self::Http(_) => "http",
        };
        format!("[telemetry]\nprotocol = \"{protocol}\"\nendpoint = \"{}\"\n", self.url())
    }

    /// The URL of this collector.
    pub(super) fn url(&self) -> String {
        match self {
            Self::Grpc { address, .. } => format!("http://{address}"),
            Self::Http(server) => format!("http://{}", server.address()),
        }
    }

    fn exports(&self) -> Vec<(ExportTraceServiceRequest, Option<String>)> {
        match self {
            Self::Grpc { exports, .. } => exports.lock().unwrap().clone(),
            Self::Http(server) => server
                .received()
                .into_iter()
                .map(|request| {
                    assert_eq!((request.method.as_str(), request.path()), ("POST", "/v1/traces"));
                    let key = request.header("x-key").map(str::to_owned);
                    (ExportTraceServiceRequest::decode(request.body).unwrap(), key)
                })
                .collect(),
        }
    }

    /// The values of the header `x-key` of all exports.
    pub(super) fn keys(&self) -> Vec<Option<String>> {
        self.exports().into_iter().map(|(_, key)| key).collect()
    }

    /// The bytes of all exports.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.exports().iter().flat_map(|(request, _)| request.encode_to_vec()).collect()
    }

    /// The resource attributes of the exporting process.
    pub(super) fn resource(&self) -> BTreeMap<String, String> {
        let (request, _) = self.exports().swap_remove(0);
        attributes(&request.resource_spans[0].resource.as_ref().unwrap().attributes)
    }

    /// All spans, in order of their start.
    pub(super) fn spans(&self) -> Vec<Span> {
        let requests = self.exports().into_iter();
        let scopes = requests.flat_map(|(request, _)| request.resource_spans).flat_map(|all| all.scope_spans);
        let mut spans: Vec<WireSpan> = scopes.flat_map(|scope| scope.spans).collect();
        spans.sort_by_key(|span| span.start_time_unix_nano);
        spans.iter().map(Span::from).collect()
    }

    /// Waits until `count` spans are called `name`, and returns all spans.
    pub(super) async fn spans_with(&self, name: &str, count: usize) -> Vec<Span> {
        let enough = |spans: &Vec<Span>| spans.iter().filter(|span| span.name == name).count() >= count;
        wait_for(|| Some(self.spans()).filter(enough), &format!("{count} spans called {name}")).await
    }
}

/// A span as it was exported.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) name: String,
    pub(super) trace_id: String,
    pub(super) id: String,
    pub(super) parent_id: String,
    pub(super) failed: bool,
    pub(super) attributes: BTreeMap<String, String>,
}

impl From<&WireSpan> for Span {
    fn from(span: &WireSpan) -> Self {
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano, "{span:?}");
        assert!(span.events.is_empty(), "{span:?}");
        Self {
            name: span.name.clone(),
            trace_id: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent_id: hex(&span.parent_span_id),
            failed: span.status.as_ref().is_some_and(|status| status.code == StatusCode::Error as i32),
            attributes: attributes(&span.attributes),
        }
    }
}

impl Span {
    /// The attributes `names`, in this order.
    pub(super) fn have<const N: usize>(&self, names: [&str; N]) -> [Option<&str>; N] {
        names.map(|name| self.attributes.get(name).map(String::as_str))
    }
}

/// The names of `spans` as an indented tree. A span whose parent is not among them is a root.
pub(super) fn tree(spans: &[Span]) -> String {
    let roots = spans.iter().filter(|span| !spans.iter().any(|other| other.id == span.parent_id));
    roots.map(|root| branch(root, spans, 0)).collect()
}

fn branch(span: &Span, spans: &[Span], depth: usize) -> String {
    let mut text = format!("{}{}\n", "  ".repeat(depth), span.name);
    for child in spans.iter().filter(|child| child.parent_id == span.id) {
        assert_eq!(child.trace_id, span.trace_id);
        text += &branch(child, spans, depth + 1);
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attributes(pairs: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => {
            assert!(text.parse::<i64>().is_err(), "a number as text in {pairs:?}");
            text.clone()
        }
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        other => panic!("{other:?}"),
    };
    pairs.iter().map(|pair| (pair.key.clone(), text(&pair.value))).collect()
}
