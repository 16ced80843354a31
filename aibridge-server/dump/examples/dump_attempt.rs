//! Dumps one request and its response to a temporary folder, and prints the files.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_dump::Dumps;
use aibridge_intercept::tap::{Subject, TapEvent};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use jiff::Timestamp;
use std::error::Error;
use std::fs;
use uuid::Uuid;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let dumps = Dumps::new(quanta::Clock::new());
    let tap = dumps.tap(directory.path(), "openai")?;
    let model = Some("openai/gpt-5".to_owned());
    let subject = Subject { id: Uuid::now_v7(), model, started_at: Timestamp::now() };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));

    // The gateway does this for each attempt to call the provider. It masks credentials first.
    let attempt = tap.attempt(&subject, 1);
    for event in [
        TapEvent::Request { method: &Method::POST, target: "/v1/responses", headers: &headers },
        TapEvent::RequestBody(Bytes::from_static(b"{\"model\":\"openai/gpt-5\",\"input\":\"Hello\"}")),
        TapEvent::Response { version: Version::HTTP_11, status: StatusCode::OK, headers: &headers },
        TapEvent::ResponseBody(Bytes::from_static(b"{\"id\":\"resp_1\",\"output\":[")),
        TapEvent::Failed("the connection to the provider broke"),
    ] {
        attempt.on_event(event);
    }
    dumps.close().await;

    for folder in fs::read_dir(directory.path().join("openai"))? {
        for file in fs::read_dir(folder?.path())? {
            let path = file?.path();
            println!("# {}", path.strip_prefix(directory.path())?.display());
            println!("{}\n", fs::read_to_string(&path)?);
        }
    }
    Ok(())
}
