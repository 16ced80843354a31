//! Collects reasoning. Providers put it into four members: `reasoning_content`, `reasoning`, `reasoning_details`, and
//! `content` with parts of the type `thinking`.

use aibridge_intercept::budget::{Budget, CappedText};
use aibridge_intercept::observer::ReasoningText;
use aibridge_json::Json;
use aibridge_recorder::ReasoningSource;
use std::collections::BTreeMap;

const MEMBERS: usize = 4;

/// The reasoning in one message or delta, by member.
pub(crate) struct ReasoningParts([Option<String>; MEMBERS]);

/// Joins the reasoning of one response per choice and member.
#[derive(Debug, Default)]
pub(crate) struct ReasoningCollector {
    texts: BTreeMap<i64, [CappedText; MEMBERS]>,
    budget: Budget,
}

impl ReasoningParts {
    /// Reads the members of a message or delta.
    pub(crate) fn read(
        reasoning_content: Option<Json<'_>>,
        reasoning: Option<Json<'_>>,
        details: Option<Json<'_>>,
        content: Option<Json<'_>>,
    ) -> Self {
        let text = |json: Option<Json<'_>>| json.and_then(Json::non_empty_string);
        Self([
            text(reasoning_content),
            text(reasoning),
            details.and_then(details_text),
            content.and_then(thinking),
        ])
    }
}

/// Joins the texts in `reasoning_details`: each has `text` or `summary`. Encrypted details have neither.
fn details_text(details: Json<'_>) -> Option<String> {
    let mut joined = String::new();
    details.for_each_element(|detail| {
        let [text, summary] = detail.members(["text", "summary"]);
        for text in [text, summary].into_iter().flatten().filter_map(Json::string) {
            joined.push_str(&text);
        }
    });
    Some(joined).filter(|joined| !joined.is_empty())
}

/// Joins the texts of `thinking` parts. Each is a string, or a list of parts with a `text`.
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

impl ReasoningCollector {
    /// Adds the reasoning of a message or delta of `choice`.
    pub(crate) fn add(&mut self, choice: i64, ReasoningParts(parts): &ReasoningParts) {
        for (member, part) in parts.iter().enumerate() {
            let Some(part) = part else { continue };
            if !self.texts.contains_key(&choice) && !self.budget.take_row() {
                continue;
            }
            let joined = &mut self.texts.entry(choice).or_default()[member];
            joined.truncated |= !self.budget.append(&mut joined.text, part);
        }
    }

    /// Returns the reasoning by choice, without members whose whole text begins the text of another one.
    pub(crate) fn finish(&mut self) -> Vec<ReasoningText> {
        let mut reasoning = Vec::new();
        for members in std::mem::take(self).texts.into_values() {
            let repeats = |member: usize, text: &str| {
                members.iter().enumerate().any(|(other, CappedText { text: longer, .. })| {
                    let is_first = longer.len() > text.len() || other < member;
                    other != member && is_first && longer.starts_with(text)
                })
            };
            let kept: Vec<bool> =
                members.iter().enumerate().map(|(member, part)| !repeats(member, &part.text)).collect();
            for (CappedText { text, truncated }, is_kept) in members.into_iter().zip(kept) {
                if is_kept && !text.is_empty() {
                    reasoning.push(ReasoningText { source: ReasoningSource::Thinking, text, truncated });
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
        let mut reasoning = ReasoningCollector::default();
        for delta in deltas {
            let delta = Json::parse(delta.as_bytes()).unwrap();
            let [content, one, details, parts] =
                delta.members(["reasoning_content", "reasoning", "reasoning_details", "content"]);
            reasoning.add(0, &ReasoningParts::read(content, one, details, parts));
        }
        reasoning.finish().into_iter().map(|thought| thought.text).collect()
    }

    #[test]
    fn reads_reasoning_in_every_format() {
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
    fn keeps_a_repeated_text_once() {
        let both =
            |text: &str| format!(r#"{{"reasoning":"{text}","reasoning_details":[{{"text":"{text}"}}]}}"#);
        assert_eq!(read(&[&both("a"), &both("b")]), ["ab"]);
        let at_the_end = r#"{"reasoning_details":[{"text":"ab"}]}"#;
        assert_eq!(read(&[r#"{"reasoning":"a"}"#, r#"{"reasoning":"b"}"#, at_the_end]), ["ab"]);
        assert_eq!(read(&[r#"{"reasoning":"a","reasoning_content":"b"}"#]), ["b", "a"]);
        let only_details = r#"{"reasoning_details":[{"text":"b"}]}"#;
        assert_eq!(read(&[&both("a"), only_details, r#"{"reasoning":"b"}"#]), ["ab"]);
        assert_eq!(read(&[&both("a"), r#"{"reasoning":"b"}"#]), ["ab"]);
        assert_eq!(
            read(&[r#"{"reasoning":"a"}"#, r#"{"reasoning":"a"}"#]),
            ["aa"],
            "a repetition within one member is text"
        );
    }
}
