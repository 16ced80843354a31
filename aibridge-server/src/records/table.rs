use comfy_table::{Table, presets};
use std::fmt::Write as _;

/// Rows under names, aligned.
pub(super) fn table(names: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(names);
    for row in rows {
        table.add_row(row.iter().map(|cell| one_line(cell)));
    }
    let lines = table.lines().map(|line| line.trim().to_owned() + "\n");
    lines.collect()
}

/// `text` in one line. What clients chose must not steer a terminal.
pub(super) fn one_line(text: &str) -> String {
    visible(text, |_| false)
}

/// `text` with its lines.
pub(super) fn lines(text: &str) -> String {
    visible(text, |character| matches!(character, '\n' | '\t'))
}

fn visible(text: &str, keeps: impl Fn(char) -> bool) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        if (character.is_control() || is_bidi(character)) && !keeps(character) {
            let _ = write!(visible, "{}", character.escape_default());
        } else {
            visible.push(character);
        }
    }
    visible
}

/// What turns the direction of the text around it.
fn is_bidi(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(one_line("a\u{1b}[31m\n\u{9b}b\u{202e}"), "a\\u{1b}[31m\\n\\u{9b}b\\u{202e}");
        assert_eq!(lines("a\n\tb\r\u{7}"), "a\n\tb\\r\\u{7}");
        assert_eq!(one_line("阿达 ß"), "阿达 ß");
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["long\n".to_owned(), "2".to_owned()]];
        let text = table(&["NAME", "N"], rows.into_iter());
        let columns: Vec<_> = text.lines().map(|line| line.rfind(' ')).collect();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(columns.windows(2).all(|two| two[0] == two[1]), "{text}");
    }
}
