//! The limits table of `docs/architecture.md` against the constants in the code.
//!
//! The last column of a row names files and constants: `` `relay.rs` `PIECES_IN_FLIGHT` ``. The check finds each constant in a
//! file with that name. If its value is a plain number or duration, the middle column has to contain it.

use aibridge_workspace::{output, root};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::process::Command;

/// The document with the table.
const DOCUMENT: &str = "docs/architecture.md";

/// The heading above the table.
const HEADING: &str = "## Limits by name";

/// The text of each tracked source file, by path.
type Sources = BTreeMap<String, String>;

/// Checks every row of the table, and returns the number of constants.
pub(super) fn check() -> Result<usize> {
    let document = std::fs::read_to_string(root().join(DOCUMENT)).context(DOCUMENT)?;
    let listed =
        output(Command::new("git").args(["ls-files", "--cached", "*/src/*.rs"]).current_dir(root()))?;
    let mut sources = Sources::new();
    for file in listed.lines().filter(|file| root().join(file).exists()) {
        sources.insert(file.to_owned(), std::fs::read_to_string(root().join(file))?);
    }
    let rows = rows(&document);
    let defects: Vec<String> = rows.iter().flat_map(|row| row_defects(row, &sources)).collect();
    ensure!(defects.is_empty(), "{DOCUMENT}, {HEADING:?}:\n{}", defects.join("\n"));
    let constants: usize = rows.iter().map(|row| references(row[2]).len()).sum();
    ensure!(constants > 0, "{DOCUMENT} has no table below {HEADING:?}");
    Ok(constants)
}

/// The rows of the table: subject, limit, place.
fn rows(document: &str) -> Vec<[&str; 3]> {
    let section = document.split_once(HEADING).map_or("", |(_, section)| section);
    let section = section.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let cells = lines.filter_map(|line| line.split(" | ").collect::<Vec<_>>().try_into().ok());
    cells.filter(|cells: &[&str; 3]| cells[0] != "what" && cells[0] != "---").collect()
}

/// The constants that a cell names, each with the file before it.
fn references(cell: &str) -> Vec<(&str, &str)> {
    let mut file = "";
    let mut references = Vec::new();
    for word in cell.split('`').skip(1).step_by(2) {
        if word.contains(".rs") {
            file = word;
        } else if word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        {
            references.push((file, word));
        }
    }
    references
}

/// The defects of one row.
fn row_defects([subject, limit, place]: &[&str; 3], sources: &Sources) -> Vec<String> {
    let files = place.split('`').skip(1).step_by(2).filter(|word| word.contains(".rs"));
    let is_missing = |file: &&str| !sources.keys().any(|path| has_name(path, file));
    let missing = files.filter(is_missing).map(|file| format!("{subject}: there is no file {file}"));
    let wrong = references(place).into_iter().filter_map(|(file, constant)| {
        let declared = sources.iter().filter(|(path, _)| has_name(path, file));
        let Some(value) = declared.filter_map(|(_, text)| declaration(text, constant)).next() else {
            let now: Vec<&str> = sources
                .iter()
                .filter(|(_, text)| declaration(text, constant).is_some())
                .map(|(path, _)| path.as_str())
                .collect();
            return Some(format!("{subject}: {file} has no constant {constant}; it is in {now:?}"));
        };
        let forms = forms(value);
        let is_stated = forms.is_empty() || forms.iter().any(|form| states(limit, form));
        (!is_stated).then(|| format!("{subject}: {constant} is {value}, which {limit:?} does not state"))
    });
    missing.chain(wrong).collect()
}

/// Whether `path` ends with the path components of `name`.
fn has_name(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// The value of the constant `name` in `text`, as it is written.
fn declaration<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("const {name}: "))?;
    Some(rest.split_once(" = ")?.1.split_once(';')?.0.trim())
}

/// The ways to write a value in prose. Empty if it is no plain number or duration.
fn forms(value: &str) -> Vec<String> {
    let argument = |function: &str| number(value.strip_prefix(function)?.strip_suffix(')')?);
    if let Some(seconds) = argument("Duration::from_secs(") {
        return vec![format!("{seconds} s")];
    }
    if let Some(milliseconds) = argument("Duration::from_millis(") {
        return vec![format!("{milliseconds} ms"), format!("{} s", milliseconds as f64 / 1000.0)];
    }
    let Some(number) = number(value) else { return Vec::new() };
    let mut forms = vec![number.to_string(), with_separators(number)];
    for (unit, bytes) in [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)] {
        if number >= bytes && number % bytes == 0 {
            forms.push(format!("{} {unit}", number / bytes));
        }
    }
    forms
}

/// Evaluates a literal, a product or a left shift of literals.
fn number(value: &str) -> Option<u64> {
    if let Some((left, right)) = value.split_once(" << ") {
        return number(left)?.checked_shl(u32::try_from(number(right)?).ok()?);
    }
    if let Some((left, right)) = value.rsplit_once(" * ") {
        return number(left)?.checked_mul(number(right)?);
    }
    value.replace('_', "").parse().ok()
}

/// Formats 16384 as `16,384`.
fn with_separators(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8_lossy(&groups.join(&b',')).into_owned()
}

/// Whether `limit` contains `form` as whole words.
fn states(limit: &str, form: &str) -> bool {
    let is_part = |text: &str| text.starts_with(char::is_alphanumeric);
    limit.match_indices(form).any(|(start, _)| {
        let (before, after) = (&limit[..start], &limit[start + form.len()..]);
        let is_inside_number = is_part(after.trim_start_matches(['.', ',']));
        !before.ends_with(char::is_alphanumeric) && !before.ends_with(['.', ',']) && !is_inside_number
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defects(limit: &str, place: &str) -> Vec<String> {
        let relay = "const PIECES: usize = 2;\nconst STALL: Duration = Duration::from_secs(300);";
        let sources =
            [("core/src/relay.rs", relay), ("core/src/body.rs", "pub const MAX_BYTES: u64 = 64 << 20;")];
        let sources = sources.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
        row_defects(&["x", limit, place], &sources)
    }

    #[test]
    fn accepts_constants_with_their_values() {
        assert_eq!(defects("2, then 300 s", "`relay.rs` `PIECES`, `STALL`"), [""; 0]);
        assert_eq!(defects("64 MiB", "`src/body.rs` `MAX_BYTES`"), [""; 0]);
        assert_eq!(defects("`server.max_body_bytes`", "`body.rs`"), [""; 0]);
    }

    #[test]
    fn finds_missing_files_constants_and_other_values() {
        let found = defects("64 MiB", "`lay.rs` `PIECES`");
        assert!(found[0].contains("no file") && found[1].contains("core/src/relay.rs"), "{found:?}");
        assert!(defects("2", "`relay.rs` `GONE`")[0].contains("no constant"));
        for limit in ["12", "2.5", "3", "20 pieces"] {
            assert!(defects(limit, "`relay.rs` `PIECES`")[0].contains("does not state"), "{limit}");
        }
    }

    #[test]
    fn reads_the_rows_of_its_section_only() {
        let document = "| a | b | `c.rs` |\n## Limits by name\n\n| what | limit | where |\n| --- | --- | --- |\n\
            | d | 2 s | `e.rs` `F` |\n\n## More\n| g | h | i |\n";
        assert_eq!(rows(document), [["d", "2 s", "`e.rs` `F`"]]);
    }

    #[test]
    fn evaluates_plain_values_only() {
        assert_eq!(forms("Duration::from_millis(800)"), ["800 ms", "0.8 s"]);
        assert_eq!(forms("16 * 1024"), ["16384", "16,384", "16 KiB"]);
        assert_eq!(forms("OTHER"), [""; 0]);
    }
}
