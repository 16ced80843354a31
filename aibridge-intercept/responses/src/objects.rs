//! The objects at the provider that a response belongs to and that a request refers to.

use aibridge_intercept::Error;
use aibridge_intercept::objects::{ObjectKind, ObjectReference};
use aibridge_json::Json;

/// The members of a request that refer to an object.
pub(crate) const MEMBERS: [&str; 2] = ["previous_response_id", "conversation"];

/// The maximum number of objects that a request may refer to. Clients need one; only duplicate members yield more.
const MAX_REFERENCES: usize = 8;

/// The ids of the objects that a response creates: its own. Its conversation belongs to the actor who created that.
pub(crate) fn of_response(response: Json<'_>) -> Vec<String> {
    response.member("id").and_then(Json::non_empty_string).into_iter().collect()
}

/// The objects that a request refers to. All duplicate members count, because providers differ in the one that they use.
///
/// # Errors
///
/// [`Error::InvalidJson`] if `body` is not one JSON object: a provider with another parser, e.g. one that accepts UTF-16,
/// could read references from it. [`Error::InvalidParameter`] if the request refers to more than 8 objects.
pub fn referenced_objects(body: &[u8]) -> Result<Vec<ObjectReference>, Error> {
    let mut references: Vec<ObjectReference> = Vec::new();
    let mut too_many = None;
    if Json::object(body, MEMBERS)?.iter().all(Option::is_none) {
        return Ok(references);
    }
    let Some(body) = Json::parse(body) else { return Ok(references) };
    let mut add = |member: usize, kind, id: Json<'_>| {
        let Some(id) = id.non_empty_string() else { return };
        let reference = ObjectReference::new(kind, id);
        if references.contains(&reference) {
            return;
        }
        if references.len() < MAX_REFERENCES {
            references.push(reference);
        } else {
            too_many = Some(MEMBERS[member.min(1)]);
        }
    };
    body.for_each_member(MEMBERS, |member, value| match member {
        0 => add(member, ObjectKind::PreviousResponse, value),
        // A conversation is a string, or an object with an `id`.
        _ => {
            add(member, ObjectKind::Conversation, value);
            value.for_each_member(["id"], |_, id| add(member, ObjectKind::Conversation, id));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(body: &str) -> Vec<String> {
        let references = referenced_objects(body.as_bytes()).unwrap();
        references.into_iter().map(|reference| format!("{:?} {}", reference.kind, reference.id)).collect()
    }

    #[test]
    fn finds_references_in_every_format() {
        let table: &[(&str, &[&str])] = &[
            (r#"{"previous_response_id":"resp_1"}"#, &["PreviousResponse resp_1"]),
            (r#"{"conversation":"conv_1"}"#, &["Conversation conv_1"]),
            (r#"{"conversation":{"id":"conv_1"}}"#, &["Conversation conv_1"]),
            (r#"{"previous\u005fresponse_id":"resp\u005f1"}"#, &["PreviousResponse resp_1"]),
            (
                r#"{"previous_response_id":"a","conversation":"c","previous_response_id":"b"}"#,
                &["PreviousResponse a", "Conversation c", "PreviousResponse b"],
            ),
            (
                r#"{"conversation":{"id":"a","id":"b","\u0069d":"c"},"conversation":{"id":"d","id":7}}"#,
                &["Conversation a", "Conversation b", "Conversation c", "Conversation d"],
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
    fn an_ambiguous_body_is_refused() {
        for body in ["", "[1]", "no JSON", "\u{feff}{\"conversation\":\"c\"}", "{\0}"] {
            assert!(matches!(referenced_objects(body.as_bytes()), Err(Error::InvalidJson(_))), "{body}");
        }
    }

    #[test]
    fn the_number_of_references_is_bounded() {
        let body = |count| {
            let members = (0..count).map(|number| format!(r#""conversation":"c{number}""#));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        };
        assert_eq!(ids(&body(MAX_REFERENCES)).len(), MAX_REFERENCES);
        let ids = (0..=MAX_REFERENCES).map(|number| format!(r#""id":"c{number}""#)).collect::<Vec<_>>();
        for body in [body(MAX_REFERENCES + 1), format!(r#"{{"conversation":{{{}}}}}"#, ids.join(","))] {
            let refused = referenced_objects(body.as_bytes());
            assert!(matches!(refused, Err(Error::InvalidParameter { .. })), "{body}");
        }
    }

    #[test]
    fn a_response_creates_itself() {
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
