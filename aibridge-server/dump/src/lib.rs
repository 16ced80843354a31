//! Dumps of the traffic with providers, for debugging: requests and responses as files.
//!
//! [`Dumps`] owns the thread that writes the files, and creates a [`Tap`](aibridge_intercept::tap::Tap) for each provider:
//!
//! ```text
//! <dir>/<provider>/<model>/<unix-ms>-<interception id>.req.txt         the request
//!                                                     .resp.txt        the response, as it arrives
//!                                                     .req_error.txt   the error, if the response is missing or incomplete
//! <dir>/<provider>/passthrough/<unix-ms>-<id>.req.txt                  the same for passthrough requests
//! ```
//!
//! A second attempt, with another key, has `-2` after the id, a third `-3`. Requests never wait for the disk: data that it
//! cannot take is dropped, and a warning is logged. Credentials are masked before the tap receives them.

mod attempt;
mod dumps;
mod failure_log;
mod file_name;
mod queue;
mod raw_http;
mod writer;

pub use dumps::Dumps;
