//! `aibridge-traffic load`: clients that send requests and measure the responses.

mod closed;
mod connection;
mod hold;
mod open;
mod tally;

use aibridge_traffic::{Dialect, Shape};
use anyhow::Result;
use clap::{Args, ValueEnum};
use std::net::SocketAddr;
use tally::Tally;

#[derive(Args)]
pub(crate) struct Options {
    /// The address of the target.
    #[arg(long)]
    address: SocketAddr,
    /// The target is a gateway, whose paths name the provider.
    #[arg(long)]
    gateway: bool,
    /// The access token, sent as a bearer token.
    #[arg(long, default_value = "sk-what-the-sdk-insists-on")]
    bearer: String,
    #[arg(long, default_value = "chat")]
    dialect: Dialect,
    /// The approximate size of a request body, in bytes.
    #[arg(long, default_value_t = 1000)]
    size: usize,
    /// The number of messages. The default is usual for the size.
    #[arg(long)]
    messages: Option<usize>,
    /// The number of tools. The default is usual for the size.
    #[arg(long)]
    tools: Option<usize>,
    /// Request a stream of this number of events.
    #[arg(long)]
    events: Option<usize>,
    /// The time between two events, in microseconds.
    #[arg(long, default_value_t = 0)]
    pace_us: u64,
    #[arg(long, default_value = "closed")]
    mode: Mode,
    /// The number of connections; the maximum in open mode.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// The time after which no request begins, in seconds.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Requests per second in open mode.
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Every connection sends its next request after the response to the previous one.
    Closed,
    /// Requests begin at a fixed rate, independent of earlier ones. Latency is measured from the scheduled time.
    Open,
    /// Opens a stream on every connection, prints the number, and reads the streams until standard input ends.
    Hold,
}

impl Options {
    /// The bytes of the request, head and body.
    fn request(&self) -> Vec<u8> {
        let mut shape = Shape::of(self.dialect, self.size);
        shape.messages = self.messages.unwrap_or(shape.messages);
        shape.tools = self.tools.unwrap_or(shape.tools);
        shape.stream = self.events.is_some();
        let body = shape.body();
        let query = match self.events {
            Some(events) => format!("?events={events}&pace_us={}", self.pace_us),
            None => String::new(),
        };
        let client = match self.dialect {
            Dialect::Messages => "Anthropic/Python 0.75.0\r\nanthropic-version: 2023-06-01",
            Dialect::Chat | Dialect::Responses => "OpenAI/Python 2.8.1",
        };
        let head = format!(
            "POST {}{}{query} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\nContent-Type: application/json\r\n\
             User-Agent: {client}\r\nX-Stainless-Lang: python\r\nX-Stainless-Package-Version: 2.8.1\r\n\
             X-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\n\
             X-Stainless-Runtime-Version: 3.13.1\r\nX-Stainless-Async: false\r\nx-stainless-retry-count: 0\r\n\
             Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
            self.dialect.prefix(self.gateway),
            self.dialect.route(),
            self.address,
            self.bearer,
            body.len()
        );
        [head.into_bytes(), body].concat()
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let request = options.request();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let tally: Tally = match options.mode {
        Mode::Closed => runtime()?.block_on(closed::run(options, request))?,
        Mode::Open => open::run(options, &request)?,
        Mode::Hold => return runtime()?.block_on(hold::run(options, request)),
    };
    println!("{}", tally.to_json());
    Ok(())
}
