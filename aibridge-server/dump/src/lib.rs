//! Dumps of the traffic with providers, for debugging: what was sent and what came back, as files.
//!
//! [`Dumps`] owns one thread that writes them, and gives each provider a [`Tap`](aibridge_intercept::tap::Tap):
//!
//! ```text
//! <dir>/<provider>/<model>/<unix-ms>-<interception id>.req.txt         the request
//!                                                     .resp.txt        the answer, as it arrives
//!                                                     .req_error.txt   why there is no answer, or no more of it
//! <dir>/<provider>/passthrough/<unix-ms>-<id>.req.txt                  likewise
//! ```
//!
//! A second attempt, with another key, has `-2` behind the id, a third `-3`. Requests never wait for the disk: what it
//! cannot take is left out, and the log says so.

mod attempt;
mod complaints;
mod dumps;
mod file_name;
mod queue;
mod raw_http;
mod writer;

pub use dumps::Dumps;
