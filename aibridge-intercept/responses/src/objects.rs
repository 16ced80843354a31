//! Objects at the provider: which a response made or used, and which a request refers to.

use aibridge_intercept::Error;
use aibridge_intercept::objects::{ObjectKind, ObjectReference};
use aibridge_json::Json;

/// The members of a request that refer to an object.
pub(crate) const MEMBERS: [&str; 2] = ["previous_response_id", "conversation"];

/// How many objects a request may refer to. A client needs one; more come only from duplicate members.
const REFERENCES_AT_MOST: usize = 8;

/// The ids of the objects that a response made: its own. Its conversation belongs to the actor who created that.
pub(crate) fn of_response(response: Json<'_>) -> Vec<String> {
    response.member("id").and_then(Json::non_empty_string).into_iter().collect()
}

/// The objects that a request refers to. Of duplicate members all count: which of them a provider reads is not known.
///
/// # Errors
///
/// [`Error::InvalidJson`] if `body` is not one JSON object: another reader, say of UTF-16, could find any object in it.
/// [`Error::InvalidParameter`] if they are too many to be looked up.
pub fn referenced(body: &[u8]) -> Result<Vec<ObjectReference>, Error> {
    let mut references: Vec<ObjectReference> = Vec::new();
    let mut too_many = None;
    if Json::object(body, MEMBERS)?.iter().all(Option::is_none) {
        return Ok(references);
    }
    let Some(body) = Json::parse(body) else { return Ok(references) };
    body.for_each_member(MEMBERS, |member, value| {
        let reference = match member {
            0 => value.non_empty_string().map(|id| ObjectReference::new(ObjectKind::PreviousResponse, id)),
            _ => id_of(value).map(|id| ObjectReference::new(ObjectKind::Conversation, id)),
        };
        let Some(reference) = reference.filter(|reference| !references.contains(reference)) else { return };
        if references.len() < REFERENCES_AT_MOST {
            references.push(reference);
        } else {
            too_many = Some(MEMBERS[member.min(1)]);
        }
    });
    match too_many {
        None => Ok(references),
        Some(name) => Err(Error::InvalidParameter {
            name: name.to_owned(),
            problem: "it is given many times with different values: give it once".to_owned(),
        }),
    }
}

/// The id of a conversation: a string, or an object with an `id`.
fn id_of(conversation: Json<'_>) -> Option<String> {
    conversation.non_empty_string().or_else(|| conversation.member("id")?.non_empty_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(body: &str) -> Vec<String> {
        let references = referenced(body.as_bytes()).unwrap();
        references.into_iter().map(|reference| format!("{:?} {}", reference.kind, reference.id)).collect()
    }

    #[test]
    fn a_request_refers_to_objects_however_it_spells_them() {
        let table: &[(&str, &[&str])] = &[
            (r#"{"previous_response_id":"resp_1"}"#, &["PreviousResponse resp_1"]),
            (r#"{"conversation":"conv_1"}"#, &["Conversation conv_1"]),
            (r#"{"conversation":{"id":"conv_1"}}"#, &["Conversation conv_1"]),
            (r#"{"previous\u005fresponse_id":"resp\u005f1"}"#, &["PreviousResponse resp_1"]),
            (
                r#"{"previous_response_id":"a","conversation":"c","previous_response_id":"b"}"#,
                &["PreviousResponse a", "Conversation c", "PreviousResponse b"],
            ),
            (r#"{"previous_response_id":null,"conversation":{"id":7},"input":{"conversation":"x"}}"#, &[]),
            (r#"{"previous_response_id":"","conversation":{}}"#, &[]),
            (" {} ", &[]),
        ];
        for (body, expected) in table {
            assert_eq!(ids(body), *expected, "{body}");
        }
    }

    #[test]
    fn a_body_that_others_could_read_otherwise_is_refused() {
        for body in ["", "[1]", "no JSON", "\u{feff}{\"conversation\":\"c\"}", "{\0}"] {
            assert!(matches!(referenced(body.as_bytes()), Err(Error::InvalidJson(_))), "{body}");
        }
    }

    #[test]
    fn a_request_refers_to_a_bounded_number_of_objects() {
        let body = |count| {
            let members = (0..count).map(|number| format!(r#""conversation":"c{number}""#));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        };
        assert_eq!(ids(&body(REFERENCES_AT_MOST)).len(), REFERENCES_AT_MOST);
        let refused = referenced(body(REFERENCES_AT_MOST + 1).as_bytes());
        assert!(matches!(refused, Err(Error::InvalidParameter { .. })));
    }

    #[test]
    fn a_response_makes_itself() {
        let table: &[(&str, &[&str])] = &[
            (r#"{"id":"resp_1","conversation":{"id":"conv_1"}}"#, &["resp_1"]),
            (r#"{"id":"","conversation":null}"#, &[]),
            (r#"{"id":"resp_1"}"#, &["resp_1"]),
            ("{}", &[]),
        ];
        for (response, expected) in table {
            assert_eq!(of_response(Json::parse(response.as_bytes()).unwrap()), *expected, "{response}");
        }
    }
}
