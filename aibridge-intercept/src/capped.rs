//! A cap on what is gathered from one response, whatever the provider sends.

/// The most that is gathered of each kind (reasoning, tool calls) from one response, in bytes.
pub const GATHERED_AT_MOST: usize = 8 << 20;

/// The longest id of a response that is recorded, in bytes: it is stored with every row.
const ID_AT_MOST: usize = 512;

/// What a row costs beside its texts, so that countless empty ones are bounded as well.
const ROW: usize = 64;

/// How many bytes may still be gathered. Once something did not fit, nothing more is gathered.
#[derive(Debug)]
pub struct Budget {
    left: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: GATHERED_AT_MOST }
    }
}

impl Budget {
    /// Takes what a further row costs. Whether there is room for one.
    pub fn row(&mut self) -> bool {
        let fits = self.left >= ROW;
        self.left = if fits { self.left - ROW } else { 0 };
        fits
    }

    /// Appends `piece` to `text`, or as many whole characters of it as fit. Whether all of it fits.
    pub fn append(&mut self, text: &mut String, piece: &str) -> bool {
        let kept = cut(piece, self.left);
        text.push_str(kept);
        let fits = kept.len() == piece.len();
        self.left = if fits { self.left - kept.len() } else { 0 };
        fits
    }

    /// Copies `text`, or as much as fits.
    pub fn copy(&mut self, text: &str) -> Capped {
        let mut capped = Capped::default();
        capped.truncated = !self.append(&mut capped.text, text);
        capped
    }
}

/// A text that may have been cut.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Capped {
    /// The text.
    pub text: String,
    /// Whether its end is missing.
    pub truncated: bool,
}

/// The id of a response, cut if it is absurdly long.
pub fn response_id(mut id: String) -> String {
    id.truncate(cut(&id, ID_AT_MOST).len());
    id
}

/// The start of `text`, at most `most` bytes, cut on a character boundary.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_on_a_character_boundary_and_nothing_follows() {
        let mut budget = Budget { left: 6 };
        let mut text = String::new();
        assert!(budget.append(&mut text, "äb"));
        assert!(budget.append(&mut text, ""));
        assert!(!budget.append(&mut text, "c€"));
        assert!(!budget.append(&mut text, "d"), "a gap would not be seen");
        assert_eq!(text, "äbc");
        assert!(!budget.row());
        assert_eq!(budget.copy("x"), Capped { text: String::new(), truncated: true });
    }

    #[test]
    fn rows_cost_something() {
        let mut budget = Budget::default();
        let rows = std::iter::from_fn(|| budget.row().then_some(())).count();
        assert_eq!(rows, GATHERED_AT_MOST / ROW);
    }

    #[test]
    fn ids_are_short() {
        assert_eq!(response_id("x".repeat(1000)).len(), ID_AT_MOST);
        assert_eq!(response_id("resp_1".into()), "resp_1");
    }
}
