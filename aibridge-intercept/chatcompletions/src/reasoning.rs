//! Reasoning, which providers put into four members: `reasoning_content`, `reasoning`, `reasoning_details`, and parts of
//! the type `thinking` in `content`.

use aibridge_intercept::budget::Budget;
use aibridge_intercept::observer::ReasoningText;
use aibridge_json::Json;
use aibridge_recorder::ThoughtSource;
use std::collections::BTreeMap;

const MEMBERS: usize = 4;

/// The reasoning in one message or delta, by member.
pub(crate) type Pieces = [Option<String>; MEMBERS];

/// Joins the reasoning of one response per choice and member.
#[derive(Debug, Default)]
pub(crate) struct Reasoning {
    texts: BTreeMap<i64, [Gathered; MEMBERS]>,
    budget: Budget,
}

#[derive(Debug, Default)]
struct Gathered {
    text: String,
    truncated: bool,
}

/// Reads the members of a message or delta.
pub(crate) fn pieces(
    reasoning_content: Option<Json<'_>>,
    reasoning: Option<Json<'_>>,
    details: Option<Json<'_>>,
    content: Option<Json<'_>>,
) -> Pieces {
    let text = |json: Option<Json<'_>>| json.and_then(Json::non_empty_string);
    [text(reasoning_content), text(reasoning), details.and_then(texts), content.and_then(thinking)]
}

/// The texts in `reasoning_details`: `text`, or `summary`. Encrypted ones have neither.
fn texts(details: Json<'_>) -> Option<String> {
    let mut joined = String::new();
    details.for_each_element(|detail| {
        let [text, summary] = detail.members(["text", "summary"]);
        for text in [text, summary].into_iter().flatten().filter_map(Json::string) {
            joined.push_str(&text);
        }
    });
    Some(joined).filter(|joined| !joined.is_empty())
}

/// The texts of `thinking` parts: a string, or parts with a `text` each.
fn thinking(content: Json<'_>) -> Option<String> {
    let mut joined = String::new();
    content.for_each_element(|part| {
        let [kind, thinking] = part.members(["type", "thinking"]);
        let Some(thinking) = thinking.filter(|_| kind.is_some_and(|kind| kind.is_string("thinking"))) else {
            return;
        };
        match thinking.string() {
            Some(text) => joined.push_str(&text),
            None => thinking.for_each_element(|part| {
                joined.extend(part.member("text").and_then(Json::string));
            }),
        }
    });
    Some(joined).filter(|joined| !joined.is_empty())
}

impl Reasoning {
    /// Adds the reasoning of a message or delta of `choice`; a text that two members repeat is added once.
    pub(crate) fn add(&mut self, choice: i64, pieces: &Pieces) {
        for (member, piece) in pieces.iter().enumerate() {
            let Some(piece) = piece else { continue };
            let repeated = pieces[..member].iter().flatten().any(|earlier| earlier == piece);
            if repeated || !self.texts.contains_key(&choice) && !self.budget.take_row() {
                continue;
            }
            let gathered = &mut self.texts.entry(choice).or_default()[member];
            gathered.truncated |= !self.budget.append(&mut gathered.text, piece);
        }
    }

    /// The reasoning by choice. A member that repeats another in whole is left out.
    pub(crate) fn finish(&mut self) -> Vec<ReasoningText> {
        let mut reasoning = Vec::new();
        for members in std::mem::take(self).texts.into_values() {
            let of_choice = reasoning.len();
            for Gathered { text, truncated } in members {
                let known: &[ReasoningText] = &reasoning[of_choice..];
                if !text.is_empty() && known.iter().all(|thought| thought.text != text) {
                    reasoning.push(ReasoningText { source: ThoughtSource::Thinking, text, truncated });
                }
            }
        }
        reasoning
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(deltas: &[&str]) -> Vec<String> {
        let mut reasoning = Reasoning::default();
        for delta in deltas {
            let delta = Json::parse(delta.as_bytes()).unwrap();
            let [content, one, details, parts] =
                delta.members(["reasoning_content", "reasoning", "reasoning_details", "content"]);
            reasoning.add(0, &pieces(content, one, details, parts));
        }
        reasoning.finish().into_iter().map(|thought| thought.text).collect()
    }

    #[test]
    fn every_shape_is_read() {
        let table: &[(&[&str], &[&str])] = &[
            (&[r#"{"reasoning_content":"a"}"#, r#"{"reasoning_content":"b"}"#], &["ab"]),
            (&[r#"{"reasoning":"a"}"#, r#"{"reasoning":"b"}"#], &["ab"]),
            (&[r#"{"reasoning_details":[{"type":"reasoning.text","text":"a"},{"text":"b"}]}"#], &["ab"]),
            (&[r#"{"reasoning_details":[{"type":"reasoning.summary","summary":"a"}]}"#], &["a"]),
            (&[r#"{"reasoning_details":[{"type":"reasoning.encrypted","data":"x"},null]}"#], &[]),
            (&[r#"{"content":[{"type":"thinking","thinking":"a"},{"type":"text","text":"b"}]}"#], &["a"]),
            (
                &[
                    r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"a"}]}]}"#,
                    r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"b"},{"text":"c"}]}]}"#,
                    r#"{"content":"answer"}"#,
                ],
                &["abc"],
            ),
            (&[r#"{"reasoning":null,"reasoning_content":"","reasoning_details":{},"content":[5]}"#], &[]),
        ];
        for (deltas, expected) in table {
            assert_eq!(read(deltas), *expected, "{deltas:?}");
        }
    }

    #[test]
    fn the_same_text_is_stored_once() {
        let both =
            |text: &str| format!(r#"{{"reasoning":"{text}","reasoning_details":[{{"text":"{text}"}}]}}"#);
        assert_eq!(read(&[&both("a"), &both("b")]), ["ab"]);
        let at_the_end = r#"{"reasoning_details":[{"text":"ab"}]}"#;
        assert_eq!(read(&[r#"{"reasoning":"a"}"#, r#"{"reasoning":"b"}"#, at_the_end]), ["ab"]);
        assert_eq!(read(&[r#"{"reasoning":"a","reasoning_content":"b"}"#]), ["b", "a"]);
        assert_eq!(
            read(&[r#"{"reasoning":"a"}"#, r#"{"reasoning":"a"}"#]),
            ["aa"],
            "one member may repeat itself"
        );
    }
}
