//! An axum application with one intercepted route. It prints the records of each interception.
//!
//! `cargo run -p aibridge-provider --example axum`, then send chat completions with your own key to
//! `http://127.0.0.1:8080/v1/chat/completions`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_intercept::cost::NoopCostMeter;
use aibridge_intercept::{Actor, ErrorFormat, ErrorResponse, Gateway, Request, RequestBody};
use aibridge_provider::{OpenAi, OpenAiConfig, Provider};
use aibridge_recorder::{Record, Recorder, RecorderError, async_trait};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::post;
use std::sync::Arc;

/// Prints the records.
struct PrintRecords;

#[async_trait]
impl Recorder for PrintRecords {
    async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError> {
        records.iter().for_each(|record| println!("{record:?}"));
        Ok(())
    }
}

/// Intercepts one chat completions request.
async fn chat(
    State((gateway, provider)): State<(Gateway, Arc<OpenAi>)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let request = Request {
        route: "/chat/completions".into(),
        query: None,
        headers,
        body: RequestBody::plain(body),
        actor: Actor::named("ann"),
    };
    match provider.create_interceptor(request) {
        Ok(interceptor) => {
            gateway.intercept(interceptor, gateway.clock.now(), Box::new(NoopCostMeter)).await.map(Body::new)
        }
        Err(error) => ErrorResponse::from(error).into_http(ErrorFormat::OpenAi, None).map(Body::from),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let provider = Arc::new(OpenAi::new(OpenAiConfig::default())?);
    let app = Router::new()
        .route("/v1/chat/completions", post(chat))
        .with_state((Gateway::new(Arc::new(PrintRecords)), provider));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
