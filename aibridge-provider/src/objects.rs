//! Which objects of the OpenAI API a request names or makes.

use aibridge_intercept::objects::{ObjectKind, ObjectReference};
use http::Method;
use percent_encoding::percent_decode_str;

/// The object that `path`, below the route prefix, is about.
pub(crate) fn in_path(path: &str) -> Option<ObjectReference> {
    let (kind, rest) = match path.strip_prefix("/responses/") {
        Some(rest) => (ObjectKind::Response, rest),
        None => (ObjectKind::Conversation, path.strip_prefix("/conversations/")?),
    };
    let id = rest.split(['/', ';']).next().unwrap_or(rest);
    // As a provider reads it: another spelling of an id is the same object.
    let id = percent_decode_str(id).decode_utf8_lossy();
    (!id.is_empty()).then(|| ObjectReference::new(kind, id))
}

/// Whether the body of a passthrough request to `path` may refer to objects: `/responses/input_tokens` takes what
/// `/responses` takes.
pub(crate) fn may_be_in_body(path: &str) -> bool {
    path.starts_with("/responses/")
}

/// Whether a successful answer is an object that the request made.
pub(crate) fn are_made_by(method: &Method, path: &str) -> bool {
    // A provider may serve other spellings of the path and the method alike.
    method.as_str().eq_ignore_ascii_case("POST") && path.trim_end_matches('/') == "/conversations"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_about_one_object_with_everything_below_it() {
        let table = [
            ("/responses/resp_1", Some((ObjectKind::Response, "resp_1"))),
            ("/responses/resp_1/cancel", Some((ObjectKind::Response, "resp_1"))),
            ("/responses/resp%5F1/input_items", Some((ObjectKind::Response, "resp_1"))),
            ("/responses/resp_1;v=1", Some((ObjectKind::Response, "resp_1"))),
            ("/responses/resp_1/", Some((ObjectKind::Response, "resp_1"))),
            ("/conversations/conv_1/items/msg_1", Some((ObjectKind::Conversation, "conv_1"))),
            ("/conversations/", None),
            ("/conversations", None),
            ("/models/resp_1", None),
        ];
        for (path, expected) in table {
            let expected = expected.map(|(kind, id)| ObjectReference::new(kind, id));
            assert_eq!(in_path(path), expected, "{path}");
        }
    }

    #[test]
    fn only_creating_a_conversation_makes_an_object() {
        assert!(are_made_by(&Method::POST, "/conversations"));
        assert!(are_made_by(&Method::POST, "/conversations/"));
        assert!(are_made_by(&Method::from_bytes(b"post").unwrap(), "/conversations"));
        assert!(!are_made_by(&Method::GET, "/conversations"));
        assert!(!are_made_by(&Method::POST, "/conversations/conv_1/items"));
        assert!(!are_made_by(&Method::POST, "/responses/resp_1/cancel"));
    }
}
