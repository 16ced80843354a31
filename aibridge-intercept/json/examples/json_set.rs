//! Reads a JSON object and replaces the value of one member, or inserts it; all other bytes stay as they are:
//! `echo '{ "n": 1.0e0 }' | cargo run --example json_set -- n 2`.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_json::{Edit, Json, splice};
use bytes::Bytes;
use std::error::Error;
use std::io::{Read, stdin};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, value] = arguments.as_slice() else { return Err("usage: json_set NAME JSON".into()) };
    Json::parse(value.as_bytes()).ok_or("the new value is not JSON")?;
    let mut body = Vec::new();
    stdin().read_to_end(&mut body)?;
    let body = Bytes::from(body);
    let [found] = Json::object(&body, [name])?;
    let edit = match found {
        Some(old) => Edit::replace(&body, old, value.clone()),
        None => Edit::insert_first(&body, format!("\"{name}\":{value}")),
    };
    for piece in splice(&body, vec![edit]) {
        print!("{}", std::str::from_utf8(&piece)?);
    }
    Ok(())
}
