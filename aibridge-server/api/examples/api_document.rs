//! Prints the OpenAPI document of the operators' API, e.g. for a generator of clients:
//! `cargo run -p aibridge-api --example api_document > openapi.json`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_api::document::Document;
use std::error::Error;
use utoipa::OpenApi;

fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", Document::openapi().to_pretty_json()?);
    Ok(())
}
