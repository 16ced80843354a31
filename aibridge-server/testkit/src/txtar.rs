//! Text archives of several named sections, the format of recorded traffic and golden cases.

/// A text archive: a comment, then sections that each begin with a line `-- name --`.
///
/// Recorded traffic has this form: `request`, `streaming`, `non-streaming`, and `…/tool-call` for the
/// second call of an inner loop.
///
/// ```
/// use aibridge_testkit::Txtar;
///
/// let archive = Txtar::parse("A comment.\n\n-- request --\n{}\n-- streaming --\ndata: [DONE]\n\n");
/// assert_eq!(archive.comment, "A comment.\n\n");
/// assert_eq!(archive.get("streaming"), Some("data: [DONE]\n\n"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Txtar {
    /// The text before the first section.
    pub comment: String,
    /// Names and contents in order. A content ends where the line of the next section begins.
    pub sections: Vec<(String, String)>,
}

impl Txtar {
    /// Parses `text`. Parsing never fails: a text without sections is all comment.
    pub fn parse(text: &str) -> Self {
        let mut archive = Self { comment: String::new(), sections: Vec::new() };
        for line in text.split_inclusive('\n') {
            match (section_name(line), archive.sections.last_mut()) {
                (Some(name), _) => archive.sections.push((name.to_owned(), String::new())),
                (None, Some((_, content))) => content.push_str(line),
                (None, None) => archive.comment.push_str(line),
            }
        }
        archive
    }

    /// The content of the first section called `name`, if there is one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.sections.iter().find(|(section, _)| section == name).map(|(_, content)| content.as_str())
    }

    /// The content of the first section called `name`.
    ///
    /// # Panics
    ///
    /// If the archive has no such section.
    pub fn section(&self, name: &str) -> &str {
        self.get(name).unwrap_or_else(|| panic!("the archive has no section {name:?}"))
    }
}

fn section_name(line: &str) -> Option<&str> {
    let name = line.trim_end().strip_prefix("-- ")?.strip_suffix(" --")?.trim();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_keeps_every_byte() {
        let archive = Txtar::parse("-- a --\n\n x\r\n--  --\n-- b/c --\nno newline");
        assert_eq!(archive.comment, "");
        assert_eq!(archive.get("a"), Some("\n x\r\n--  --\n"));
        assert_eq!(archive.get("b/c"), Some("no newline"));
        assert_eq!(archive.get("b"), None);
    }

    #[test]
    fn a_text_without_sections_is_all_comment() {
        let archive = Txtar::parse("one\ntwo");
        assert_eq!((archive.comment.as_str(), archive.sections.len()), ("one\ntwo", 0));
    }
}
