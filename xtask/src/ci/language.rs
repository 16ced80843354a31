//! The language of the sources: module docs and vocabulary, and in Rust doc comments.
//!
//! `docs/glossary.md` holds the vocabulary; the words that it retired stay out of the code.

use aibridge_workspace::{output, root};
use anyhow::{Context, Result, ensure};
use std::process::Command;

/// The smallest number of words of a doc comment: fewer words only repeat the name.
const MIN_WORDS: usize = 3;

/// Words that begin no doc comment: what is documented is named by a noun or a verb.
const QUESTION_WORDS: [&str; 8] = ["how", "what", "when", "where", "which", "who", "whose", "why"];

/// The heading of the list of retired words in the glossary.
const RETIRED_HEADING: &str = "## Retired words";

/// Checks every tracked source file, and returns the number of files.
pub(super) fn check() -> Result<usize> {
    let glossary =
        std::fs::read_to_string(root().join("docs/glossary.md")).context("read docs/glossary.md")?;
    let retired = retired_words(&glossary);
    ensure!(!retired.is_empty(), "docs/glossary.md has no list below {RETIRED_HEADING:?}");
    let listed =
        output(Command::new("git").args(["ls-files", "--cached", "*.rs", "*.py"]).current_dir(root()))?;
    let (mut checked, mut wrong) = (0, Vec::new());
    for file in listed.lines().filter(|file| root().join(file).exists()) {
        let text = std::fs::read_to_string(root().join(file)).with_context(|| format!("read {file}"))?;
        let find = if file.ends_with(".py") { python_defects } else { defects };
        wrong.extend(
            find(&text, &retired).into_iter().map(|(line, defect)| format!("{file}:{line}: {defect}")),
        );
        checked += 1;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(checked)
}

/// The words in backquotes below the heading: one list item for each retired name.
fn retired_words(glossary: &str) -> Vec<String> {
    let list = glossary.split_once(RETIRED_HEADING).map_or("", |(_, list)| list);
    let list = list.split("\n## ").next().unwrap_or_default();
    let items = list.lines().filter_map(|line| line.strip_prefix("- "));
    items
        .flat_map(|item| item.split(':').next().unwrap_or_default().split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

/// The defects of one Python file, each with its line.
fn python_defects(text: &str, retired: &[String]) -> Vec<(usize, String)> {
    let docstring = (!text.starts_with("\"\"\"")).then(|| (1, "the module has no docstring".to_owned()));
    docstring.into_iter().chain(retired_names(text, retired)).collect()
}

/// The retired words in a file, each with its line.
fn retired_names(text: &str, retired: &[String]) -> Vec<(usize, String)> {
    let words = |line: &str| -> Vec<String> {
        let names = line.split(|character: char| !(character.is_alphanumeric() || character == '_'));
        names.filter(|name| retired.iter().any(|word| word == name)).map(str::to_owned).collect()
    };
    let found = (1..)
        .zip(text.lines())
        .flat_map(|(number, line)| words(line).into_iter().map(move |name| (number, name)));
    found
        .map(|(number, name)| (number, format!("{name:?} is retired: docs/glossary.md has its replacement")))
        .collect()
}

/// The defects of one Rust file, each with its line.
fn defects(text: &str, retired: &[String]) -> Vec<(usize, String)> {
    let mut defects = Vec::new();
    let first = text.lines().find(|line| !line.starts_with("#!["));
    if !first.is_some_and(|line| line.starts_with("//!")) {
        defects.push((1, "the module has no `//!` line that says what is in it".to_owned()));
    }
    let mut doc: Option<(usize, usize)> = None;
    for (number, line) in (1..).zip(text.lines().chain([""])) {
        let comment = line.trim_start().strip_prefix("///").filter(|rest| !rest.starts_with('/'));
        match (comment, doc.take()) {
            (Some(comment), begun) => {
                let (start, words) = begun.unwrap_or((number, 0));
                let first = comment.split_whitespace().next().unwrap_or_default().to_lowercase();
                if begun.is_none() && QUESTION_WORDS.contains(&first.as_str()) {
                    defects.push((
                        number,
                        format!("a doc comment begins with {first:?}: begin with a noun or a verb"),
                    ));
                }
                doc = Some((start, words + comment.split_whitespace().count()));
            }
            (None, Some((start, words))) if words < MIN_WORDS => {
                defects.push((
                    start,
                    format!("a doc comment of {words} words: say what it is, its unit and range, or rename"),
                ));
            }
            (None, _) => {}
        }
    }
    defects.extend(retired_names(text, retired));
    defects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_retired_words() {
        let glossary = "# G\n- `Kept`: x\n## Retired words\n\n- `Oldword`, `Badword`: `ParsedRequest`\n\n## More\n- `Other`: y\n";
        assert_eq!(retired_words(glossary), ["Oldword", "Badword"]);
    }

    #[test]
    fn finds_retired_words_and_missing_docstrings_in_python() {
        let retired = ["Oldword".to_owned()];
        let lines = |text: &str| -> Vec<usize> {
            python_defects(text, &retired).into_iter().map(|(line, _)| line).collect()
        };
        assert_eq!(lines("\"\"\"Runs the checks.\"\"\"\nx = 1\n"), [0; 0]);
        assert_eq!(lines("import sys\nclass Oldword: pass\n"), [1, 2]);
    }

    #[test]
    fn finds_each_kind_of_defect() {
        let retired = ["Oldword".to_owned()];
        let lines =
            |text: &str| defects(text, &retired).into_iter().map(|(line, _)| line).collect::<Vec<_>>();
        assert_eq!(lines("//! Parses requests.\n\n/// The parsed request.\nstruct Request;\n"), [0; 0]);
        assert_eq!(lines("#![allow(x)]\n//! Parses requests.\n"), [0; 0]);
        assert_eq!(lines("use x;\n"), [1]);
        assert_eq!(lines("//! M m m.\n/// Parser.\nstruct X;\n"), [2]);
        assert_eq!(lines("//! M m m.\n/// How it ends.\nstruct X;\n"), [2]);
        assert_eq!(lines("//! M m m.\n/// The end:\n/// how it ends.\nstruct X;\n"), [0; 0]);
        assert_eq!(lines("//! M m m.\nstruct Oldword(OldwordFor);\n"), [2]);
        assert_eq!(lines("//! M m m.\n    /// One\n    /// two three.\n    a: u8,\n"), [0; 0]);
    }
}
