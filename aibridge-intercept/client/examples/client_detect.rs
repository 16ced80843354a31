//! Prints the client program for each `User-Agent` in the arguments, or for a few well-known ones.
#![allow(clippy::print_stdout, reason = "an example prints its result")]

use aibridge_client::Client;
use http::{HeaderMap, HeaderValue, header};

fn main() -> Result<(), header::InvalidHeaderValue> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let known = ["claude-cli/2.1 (external, cli)", "AsyncOpenAI/Python 2.0", "opencode/1.0", "curl/8.5"];
    let agents = if arguments.is_empty() { known.map(str::to_owned).to_vec() } else { arguments };
    for agent in agents {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_str(&agent)?);
        println!("{agent}: {}", Client::detect(&headers, None).name);
    }
    Ok(())
}
