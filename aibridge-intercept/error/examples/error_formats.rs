//! Prints errors of the gateway as clients of both APIs receive them: status, headers and body.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_error::object::{ObjectKind, ObjectReference};
use aibridge_error::{Error, ErrorFormat, ErrorResponse};
use std::time::Duration;
use uuid::Uuid;

fn main() {
    let errors = [
        Error::KeysRateLimited { retry_after: Duration::from_millis(1500) },
        Error::ObjectNotFound(ObjectReference::new(ObjectKind::PreviousResponse, "resp_1")),
        Error::UpstreamTimeout(Duration::from_secs(600)),
    ];
    for error in errors {
        println!("# {error}");
        for format in [ErrorFormat::OpenAi, ErrorFormat::Anthropic] {
            let response = ErrorResponse::from(&error).into_http(format, Some(Uuid::now_v7()));
            println!("{}", response.status());
            for (name, value) in response.headers() {
                println!("{name}: {}", String::from_utf8_lossy(value.as_bytes()));
            }
            println!("\n{}\n", String::from_utf8_lossy(response.body()));
        }
    }
}
