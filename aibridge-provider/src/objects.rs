//! The objects of the OpenAI API that a passthrough request names or creates.

use aibridge_intercept::Error;
use aibridge_intercept::objects::{ObjectKind, ObjectReference};
use http::Method;
use percent_encoding::percent_decode_str;

/// The rules by which passthrough requests of a dialect refer to objects.
#[derive(Debug, Clone, Copy)]
pub struct ObjectRules {
    /// The object that a path, below the route prefix, names.
    pub in_path: fn(&str) -> Option<ObjectReference>,
    /// Whether the body of a request to a path may refer to objects.
    pub may_be_in_body: fn(&str) -> bool,
    /// The objects that a request body refers to.
    pub in_body: fn(&[u8]) -> Result<Vec<ObjectReference>, Error>,
    /// Whether the body of a successful response is an object that the request created.
    pub is_creation: fn(&Method, &str) -> bool,
}

/// The rules of the OpenAI API.
pub(crate) const OPENAI: ObjectRules =
    ObjectRules { in_path, may_be_in_body, in_body: aibridge_responses::referenced_objects, is_creation };

/// The rules of an API without objects.
pub(crate) const NONE: ObjectRules = ObjectRules {
    in_path: |_| None,
    may_be_in_body: |_| false,
    in_body: |_| Ok(Vec::new()),
    is_creation: |_, _| false,
};

/// The object that `path`, below the route prefix, names.
fn in_path(path: &str) -> Option<ObjectReference> {
    let (kind, rest) = match path.strip_prefix("/responses/") {
        Some(rest) => (ObjectKind::Response, rest),
        None => (ObjectKind::Conversation, path.strip_prefix("/conversations/")?),
    };
    let id = rest.split(['/', ';']).next().unwrap_or(rest);
    // A provider decodes the path, so an encoded id names the same object.
    let id = percent_decode_str(id).decode_utf8_lossy();
    (!id.is_empty()).then(|| ObjectReference::new(kind, id))
}

/// Whether the body of a request to `path` may refer to objects: `/responses/input_tokens` accepts the same
/// members as `/responses`.
fn may_be_in_body(path: &str) -> bool {
    path.starts_with("/responses/")
}

/// Whether the body of a successful response is an object that the request created.
fn is_creation(method: &Method, path: &str) -> bool {
    // A provider may serve other spellings of the path and the method alike.
    method.as_str().eq_ignore_ascii_case("POST") && path.trim_end_matches('/') == "/conversations"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_the_object_that_it_lies_below() {
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
    fn only_a_post_to_conversations_creates_an_object() {
        assert!(is_creation(&Method::POST, "/conversations"));
        assert!(is_creation(&Method::POST, "/conversations/"));
        assert!(is_creation(&Method::from_bytes(b"post").unwrap(), "/conversations"));
        assert!(!is_creation(&Method::GET, "/conversations"));
        assert!(!is_creation(&Method::POST, "/conversations/conv_1/items"));
        assert!(!is_creation(&Method::POST, "/responses/resp_1/cancel"));
    }
}
