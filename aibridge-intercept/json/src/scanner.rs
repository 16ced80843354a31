//! A single pass over a JSON text that checks it (RFC 8259), without a tree and without recursion. A lenient scan
//! accepts the extensions that [`LenientText`](crate::LenientText) lists; it differs only where a strict one fails.
//!
//! Coding agents send hundreds of kilobytes with every request, nearly all of it in long strings. The scanner compares
//! 64 bytes of a string at a time.

use crate::nesting::Nesting;
use std::ops::Range;
use wide::u8x16;

/// Bytes of a string that are compared at once.
const BLOCK: usize = 64;
const LANES: usize = 16;

/// The kind of escape that each byte after a backslash begins.
static ESCAPES: [Escape; 256] = escapes();

#[derive(Clone, Copy)]
enum Escape {
    Invalid,
    /// One character after the backslash.
    Single,
    /// `u` and four hexadecimal digits.
    Unicode,
}

/// A text and the position of the scan.
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    lenient: bool,
}

/// A value that the scan has passed.
pub(crate) struct ScannedValue {
    /// The range of the value in the text.
    pub(crate) range: Range<usize>,
    /// The range from the last element of an array to the end of the array; `None` without elements.
    pub(crate) last: Option<Range<usize>>,
}

impl<'a> Scanner<'a> {
    /// A scanner that accepts only JSON.
    pub(crate) fn strict(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0, lenient: false }
    }

    /// A scanner that also accepts common violations.
    pub(crate) fn lenient(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0, lenient: true }
    }

    /// Passes `byte` and the whitespace around it; `None` if another byte follows.
    pub(crate) fn token(&mut self, byte: u8) -> Option<()> {
        self.skip_whitespace();
        (self.peek()? == byte).then(|| self.at += 1)?;
        self.skip_whitespace();
        Some(())
    }

    /// Whether only whitespace is left.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.skip_whitespace();
        self.at == self.text.len()
    }

    /// Passes a string and returns its range, quotes included.
    pub(crate) fn key(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        (self.peek()? == b'"').then(|| self.at += 1)?;
        self.string()?;
        Some(start..self.at)
    }

    /// Passes a value of any depth; `None` if it is not valid.
    pub(crate) fn value(&mut self) -> Option<ScannedValue> {
        let start = self.at;
        let mut nesting = Nesting::default();
        let mut last = None;
        loop {
            if nesting.depth() == 1 && !nesting.in_object() {
                last = Some(self.at);
            }
            let opened = match self.peek()? {
                b'{' => self.open(b'}', true, &mut nesting)?,
                b'[' => self.open(b']', false, &mut nesting)?,
                _ => self.scalar().map(|()| false)?,
            };
            if opened {
                continue;
            }
            if !self.advance_to_next_value(&mut nesting)? {
                let last = last.map(|last| last..self.at.saturating_sub(1));
                return Some(ScannedValue { range: start..self.at, last });
            }
        }
    }

    /// Passes the start of an object or array, or all of an empty one. Returns whether it has content.
    fn open(&mut self, close: u8, object: bool, nesting: &mut Nesting) -> Option<bool> {
        self.at += 1;
        self.skip_whitespace();
        if self.peek()? == close {
            self.at += 1;
            return Some(false);
        }
        nesting.push(object);
        if object {
            self.name()?;
        }
        Some(true)
    }

    /// After a value: passes closing brackets up to the next value. Returns whether there is one.
    fn advance_to_next_value(&mut self, nesting: &mut Nesting) -> Option<bool> {
        while nesting.depth() != 0 {
            self.skip_whitespace();
            match self.peek()? {
                b',' => {
                    self.at += 1;
                    self.skip_whitespace();
                    if nesting.in_object() {
                        self.name()?;
                    }
                    return Some(true);
                }
                b'}' if nesting.in_object() => {}
                b']' if !nesting.in_object() => {}
                _ => return None,
            }
            self.at += 1;
            nesting.pop();
        }
        Some(false)
    }

    fn name(&mut self) -> Option<()> {
        self.key()?;
        self.token(b':')
    }

    fn scalar(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => {
                self.at += 1;
                self.string()
            }
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            b'N' | b'I' if self.lenient => self.non_finite_number(),
            _ => self.number(),
        }
    }

    /// Passes `NaN` or `Infinity`, which JavaScript and Python write but JSON does not define.
    fn non_finite_number(&mut self) -> Option<()> {
        self.word(b"NaN").or_else(|| self.word(b"Infinity"))
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.text[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        if self.skip(b"-") && self.lenient && matches!(self.peek(), Some(b'N' | b'I')) {
            return self.non_finite_number();
        }
        if !self.skip(b"0") {
            self.digits()?;
        }
        if self.skip(b".") {
            self.digits()?;
        }
        if self.skip(b"eE") {
            self.skip(b"+-");
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// Passes the next byte if it is one of `bytes`. Returns whether it is.
    fn skip(&mut self, bytes: &[u8]) -> bool {
        let found = self.peek().is_some_and(|byte| bytes.contains(&byte));
        self.at += usize::from(found);
        found
    }

    /// Passes the rest of a string, after its opening quote.
    fn string(&mut self) -> Option<()> {
        // Most strings are short.
        if let Some(lanes) = self.text[self.at..].first_chunk() {
            match special(lanes).trailing_zeros() as usize {
                first if first >= LANES => self.at += LANES,
                first if lanes[first] == b'"' => {
                    self.at += first + 1;
                    return Some(());
                }
                _ => {}
            }
        }
        while let Some(block) = self.text[self.at..].first_chunk::<BLOCK>() {
            if self.block(block)? {
                return Some(());
            }
        }
        loop {
            let byte = self.peek()?;
            match byte {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.at = self.escape(self.at)?,
                0..0x20 if !self.lenient => return None,
                _ => self.at += 1,
            }
        }
    }

    /// Passes the part of `block` that belongs to the string. Returns whether the string ends in it.
    fn block(&mut self, block: &[u8; BLOCK]) -> Option<bool> {
        let (lanes, _) = block.as_chunks::<LANES>();
        let mut specials = lanes.iter().rev().fold(0, |all, lanes| all << LANES | u64::from(special(lanes)));
        let mut end = BLOCK;
        while specials != 0 {
            let first = specials.trailing_zeros() as usize;
            match block[first] {
                b'"' => {
                    self.at += first + 1;
                    return Some(true);
                }
                b'\\' => {
                    let length = self.escape(self.at + first)? - self.at - first;
                    if length == 1 {
                        specials &= !(1 << first);
                        continue;
                    }
                    // The escaped byte is not special. After the block's last byte it lies in the next block.
                    end = BLOCK + usize::from(first == BLOCK - 1);
                    specials &= !(3 << first);
                }
                _ if self.lenient => specials &= specials - 1,
                _ => return None,
            }
        }
        self.at += end;
        Some(false)
    }

    /// Checks the escape with its backslash at `at`, and returns its end.
    fn escape(&self, at: usize) -> Option<usize> {
        let end = match ESCAPES[usize::from(*self.text.get(at + 1)?)] {
            Escape::Invalid => None,
            Escape::Single => Some(at + 2),
            Escape::Unicode => self
                .text
                .get(at + 2..at + 6)
                .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
                .map(|_| at + 6),
        };
        // In a lenient scan, a backslash that begins no escape is an ordinary byte.
        end.or_else(|| self.lenient.then_some(at + 1))
    }

    /// Passes whitespace, if any.
    pub(crate) fn skip_whitespace(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

/// One bit for each lane that ends a string, begins an escape, or is not allowed in a string.
fn special(lanes: &[u8; LANES]) -> u32 {
    let lanes = u8x16::from(*lanes);
    let is = |byte| lanes.simd_eq(u8x16::splat(byte));
    let control = lanes.min(u8x16::splat(0x1f)).simd_eq(lanes);
    (is(b'"') | is(b'\\') | control).to_bitmask()
}

const fn escapes() -> [Escape; 256] {
    let mut escapes = [Escape::Invalid; 256];
    let mut singles: &[u8] = b"\"\\/bfnrt";
    while let [single, rest @ ..] = singles {
        escapes[*single as usize] = Escape::Single;
        singles = rest;
    }
    escapes[b'u' as usize] = Escape::Unicode;
    escapes
}
