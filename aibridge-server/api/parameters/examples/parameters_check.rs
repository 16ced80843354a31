//! Parses query strings as a list of the API does, and prints the parameters or what is wrong with them.
//!
//! `cargo run -p aibridge-api-parameters --example parameters_check -- 'model=gpt-5&since=7d'`
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example reads its arguments and prints what it does"
)]

use aibridge_api_parameters::{FilterParameters, InvalidParameter, PageParameters, QueryParameters};

fn main() {
    let mut queries: Vec<String> = std::env::args().skip(1).collect();
    if queries.is_empty() {
        let examples =
            ["model=gpt-5&since=7d&limit=10", "modle=gpt-5", "since=yesterday", "limit=0", "limit=1&limit=2"];
        queries.extend(examples.map(str::to_owned));
    }
    for query in queries {
        match parse(&query) {
            Ok((filter, page)) => println!("{query}\n  {filter:?}\n  {page:?}"),
            Err(error) => println!("{query}\n  {error}"),
        }
    }
}

fn parse(query: &str) -> Result<(FilterParameters, PageParameters), InvalidParameter> {
    let mut parameters = QueryParameters::new(Some(query));
    let (filter, page) = (parameters.take()?, parameters.take()?);
    parameters.finish()?;
    Ok((filter, page))
}
