use comfy_table::{Table, presets};
use std::fmt::Write as _;

/// How many characters of a cell are shown. Clients choose some of them, and a row should stay readable.
const CELL_CHARS: usize = 80;

/// Rows under names, aligned.
pub(crate) fn table(names: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(names);
    for row in rows {
        table.add_row(row.iter().map(|cell| shortened(one_line(cell))));
    }
    let lines = table.lines().map(|line| line.trim().to_owned() + "\n");
    lines.collect()
}

/// The first characters of `text`, and `…` if there are more.
fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(CELL_CHARS) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// `text` in one line. What clients chose must not steer a terminal.
pub(crate) fn one_line(text: &str) -> String {
    visible(text, |_| false)
}

/// `text` with its lines.
pub(crate) fn lines(text: &str) -> String {
    visible(text, |character| matches!(character, '\n' | '\t'))
}

fn visible(text: &str, keeps: impl Fn(char) -> bool) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        if (character.is_control() || is_hidden(character)) && !keeps(character) {
            let _ = write!(visible, "{}", character.escape_default());
        } else {
            visible.push(character);
        }
    }
    visible
}

/// What turns the direction of the text around it, ends a line, or cannot be seen.
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
    fn nothing_steers_the_terminal() {
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
            [vec!["ß".repeat(5_000_000), "1".to_owned()], vec!["ß".repeat(CELL_CHARS), "2".to_owned()]];
        let text = table(&["NAME", "N"], rows.into_iter());
        assert!(text.contains(&format!("{}…", "ß".repeat(CELL_CHARS))), "{} bytes", text.len());
        assert_eq!((text.matches('…').count(), text.len() < 1000), (1, true));
    }
}
