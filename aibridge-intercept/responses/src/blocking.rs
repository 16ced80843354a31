//! A blocking answer, and the `response` of a stream's terminal event: the same object.

use crate::{items, usage};
use aibridge_intercept::Learnt;
use aibridge_intercept::json::Json;
use aibridge_intercept::observer::Ending;

/// What `body` tells; nothing if it is not a JSON object.
pub fn learn(body: &[u8]) -> Learnt {
    Json::parse(body).map(learn_response).unwrap_or_default()
}

/// What a response object tells.
pub(crate) fn learn_response(response: Json<'_>) -> Learnt {
    let [id, status, usage, output] = response.members(["id", "status", "usage", "output"]);
    let failed = status.and_then(Json::string).as_deref() == Some("failed");
    let mut learnt = Learnt {
        response_id: id.and_then(Json::non_empty_string),
        usage: usage.and_then(usage::read),
        ending: if failed { Ending::Failed } else { Ending::Complete },
        ..Learnt::default()
    };
    for item in output.map(Json::elements).unwrap_or_default() {
        items::learn(item, &mut learnt);
    }
    learnt
}
