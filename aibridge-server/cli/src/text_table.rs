//! Aligned text tables, safe to print on a terminal.

use comfy_table::{Table, presets};
use std::fmt::Write as _;

/// The most characters of a cell. Clients choose some values, and a row should stay readable.
const MAX_CELL_CHARS: usize = 80;

/// Formats `rows` as aligned columns under `names`.
pub(crate) fn table(names: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(names);
    for row in rows {
        table.add_row(row.iter().map(|cell| shortened(one_line(cell))));
    }
    let lines = table.lines().map(|line| line.trim().to_owned() + "\n");
    lines.collect()
}

/// Cuts `text` to [`MAX_CELL_CHARS`], and marks the cut with `…`.
fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_CELL_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Escapes control characters and line breaks, so that text which clients chose cannot control a terminal.
pub(crate) fn one_line(text: &str) -> String {
    escape(text, |_| false)
}

/// Escapes control characters, except for line feeds and tabs.
pub(crate) fn lines(text: &str) -> String {
    escape(text, |character| matches!(character, '\n' | '\t'))
}

fn escape(text: &str, keeps: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if (character.is_control() || is_hidden(character)) && !keeps(character) {
            let _ = write!(escaped, "{}", character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Whether `character` changes the direction of text, ends a line, or is invisible.
fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(one_line("a\u{1b}[31m\n\u{9b}b\u{202e}"), "a\\u{1b}[31m\\n\\u{9b}b\\u{202e}");
        assert_eq!(lines("a\n\tb\r\u{7}"), "a\n\tb\\r\\u{7}");
        assert_eq!(one_line("阿达 ß"), "阿达 ß");
        for hidden in ['\u{61c}', '\u{200b}', '\u{2028}', '\u{2066}', '\u{feff}', '\u{e0041}'] {
            assert_eq!(one_line(&hidden.to_string()), hidden.escape_default().to_string());
        }
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["long\n".to_owned(), "2".to_owned()]];
        let text = table(&["NAME", "N"], rows.into_iter());
        let columns: Vec<_> = text.lines().map(|line| line.rfind(' ')).collect();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(columns.windows(2).all(|two| two[0] == two[1]), "{text}");
    }

    #[test]
    fn a_long_cell_is_cut() {
        let rows =
            [vec!["ß".repeat(5_000_000), "1".to_owned()], vec!["ß".repeat(MAX_CELL_CHARS), "2".to_owned()]];
        let text = table(&["NAME", "N"], rows.into_iter());
        assert!(text.contains(&format!("{}…", "ß".repeat(MAX_CELL_CHARS))), "{} bytes", text.len());
        assert_eq!((text.matches('…').count(), text.len() < 1000), (1, true));
    }
}
