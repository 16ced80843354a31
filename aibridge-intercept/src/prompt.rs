//! Extracts the prompt from the content of a message.

use aibridge_json::Json;
use std::borrow::Cow;

/// The content of a message if it is a string, else the last of its parts of the type `text`. Only texts that `counts`
/// accepts are taken.
pub fn last_text(content: Json<'_>, counts: fn(&str) -> bool) -> Option<String> {
    if let Some(text) = content.string() {
        return Some(text).filter(|text| counts(text)).map(Cow::into_owned);
    }
    let mut last = None;
    content.for_each_element(|part| {
        let [kind, text] = part.members(["type", "text"]);
        if kind.is_some_and(|kind| kind.is_string("text")) {
            last = text.and_then(Json::string).filter(|text| counts(text)).or(last.take());
        }
    });
    last.map(Cow::into_owned)
}
