//! A bound on the memory of the content that is extracted from one response.

/// The most bytes of each kind of content that are extracted from one response: reasoning, the arguments of tool calls,
/// and their names.
pub const MAX_EXTRACTED_BYTES: usize = 8 << 20;

/// The most tool calls that are extracted from one response.
pub const MAX_TOOL_CALLS: usize = 131_072;

/// The longest id, name or server of a tool call that is recorded, in bytes. Ids contain signatures at some providers.
const MAX_NAME_BYTES: usize = 64 << 10;

/// The longest id of a response that is recorded, in bytes. It is stored in every row.
const MAX_ID_BYTES: usize = 512;

/// The cost of a text in addition to its bytes. It bounds the number of short texts.
const ROW_BYTES: usize = 64;

/// The number of bytes that may still be extracted. Once a text did not fit, nothing more is extracted.
#[derive(Debug)]
pub struct Budget {
    remaining: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { remaining: MAX_EXTRACTED_BYTES }
    }
}

impl Budget {
    /// Takes the cost of another text. Returns whether it fits.
    pub fn take_row(&mut self) -> bool {
        let fits = self.remaining >= ROW_BYTES;
        self.remaining = if fits { self.remaining - ROW_BYTES } else { 0 };
        fits
    }

    /// Appends `piece` to `text`, or as many whole characters of it as fit. Returns whether all of it fits.
    pub fn append(&mut self, text: &mut String, piece: &str) -> bool {
        let fitting = cut(piece, self.remaining);
        text.push_str(fitting);
        let fits = fitting.len() == piece.len();
        self.remaining = if fits { self.remaining - fitting.len() } else { 0 };
        fits
    }

    /// Appends `name` to `text`, or as many whole characters of it as fit into the budget and into 64 KiB. Returns whether all
    /// of it fits.
    pub fn append_name(&mut self, text: &mut String, name: &str) -> bool {
        let capped = cut(name, MAX_NAME_BYTES);
        self.append(text, capped) && capped.len() == name.len()
    }

    /// Copies `text`, or as many whole characters of it as fit.
    pub fn copy(&mut self, text: &str) -> CappedText {
        let mut capped = CappedText::default();
        capped.truncated = !self.append(&mut capped.text, text);
        capped
    }
}

/// A text whose end may be missing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct CappedText {
    /// The text, or its start.
    pub text: String,
    /// Whether its end is missing.
    pub truncated: bool,
}

/// The id of a response, or the name of its model, truncated to 512 bytes.
pub fn identifier(mut id: String) -> String {
    id.truncate(cut(&id, MAX_ID_BYTES).len());
    id
}

/// The start of `text`, at most `limit` bytes, cut on a character boundary.
fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_texts_on_a_character_boundary_and_accepts_nothing_after_that() {
        let mut budget = Budget { remaining: 6 };
        let mut text = String::new();
        assert!(budget.append(&mut text, "äb"));
        assert!(budget.append(&mut text, ""));
        assert!(!budget.append(&mut text, "c€"));
        assert!(!budget.append(&mut text, "d"), "a gap would not be seen");
        assert_eq!(text, "äbc");
        assert!(!budget.take_row());
        assert_eq!(budget.copy("x"), CappedText { text: String::new(), truncated: true });
    }

    #[test]
    fn rows_have_a_cost() {
        let mut budget = Budget::default();
        let rows = std::iter::from_fn(|| budget.take_row().then_some(())).count();
        assert_eq!(rows, MAX_EXTRACTED_BYTES / ROW_BYTES);
    }

    #[test]
    fn truncates_long_ids() {
        assert_eq!(identifier("x".repeat(1000)).len(), MAX_ID_BYTES);
        assert_eq!(identifier("resp_1".into()), "resp_1");
    }
}
