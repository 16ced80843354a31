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
    /// Where the target listens.
    #[arg(long)]
    address: SocketAddr,
    /// What stands before the route.
    #[arg(long, default_value = "/v1")]
    prefix: String,
    /// The gateway token.
    #[arg(long, default_value = "sk-what-the-sdk-insists-on")]
    bearer: String,
    #[arg(long, default_value = "chat")]
    dialect: Dialect,
    /// About how long a request is.
    #[arg(long, default_value_t = 1000)]
    size: usize,
    /// How many messages it has, if not as many as is usual.
    #[arg(long)]
    messages: Option<usize>,
    /// How many tools it has, if not as many as is usual.
    #[arg(long)]
    tools: Option<usize>,
    /// Ask for a stream of so many events.
    #[arg(long)]
    events: Option<usize>,
    /// The time between two events.
    #[arg(long, default_value_t = 0)]
    pace_us: u64,
    #[arg(long, default_value = "closed")]
    mode: Mode,
    /// Connections; in open mode, at most.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// No request begins later.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Requests a second in open mode.
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Every connection sends its next request when it has the answer.
    Closed,
    /// Requests begin when it is their time, whatever becomes of those before, and latency counts from that time.
    Open,
    /// Opens a stream on every connection, says so, and reads on until its input ends.
    Hold,
}

impl Options {
    /// The request, head and body.
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
        let head = format!(
            "POST {}{}{query} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\nContent-Type: application/json\r\n\
             User-Agent: OpenAI/Python 2.8.1\r\nX-Stainless-Lang: python\r\nX-Stainless-Package-Version: 2.8.1\r\n\
             X-Stainless-OS: Linux\r\nX-Stainless-Arch: x64\r\nX-Stainless-Runtime: CPython\r\n\
             X-Stainless-Runtime-Version: 3.13.1\r\nX-Stainless-Async: false\r\nx-stainless-retry-count: 0\r\n\
             Authorization: Bearer {}\r\nContent-Length: {}\r\n\r\n",
            self.prefix,
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
