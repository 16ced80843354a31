//! The run of an agent to which a request belongs. `aibridge run` gives each run an id, and the agent sends it.

use http::HeaderMap;
use uuid::Uuid;

/// The header with the id of a run, a UUID. Like all headers of the gateway, it is not forwarded to providers.
pub const RUN_HEADER: &str = "X-AIBridge-Run";

/// The attribute with the id of the run, in the column `metadata` of an interception.
pub const RUN_ATTRIBUTE: &str = "run";

/// The run of a request; `None` if it has no such header, or if its value is not a UUID.
pub fn run_of(headers: &HeaderMap) -> Option<Uuid> {
    headers.get(RUN_HEADER)?.to_str().ok()?.trim().parse().ok()
}
