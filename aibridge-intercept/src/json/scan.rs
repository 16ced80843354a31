//! Going through JSON text once, checking it on the way (RFC 8259), without a tree and without recursion. A lenient scan
//! accepts what [`LenientText`](super::LenientText) lists; it differs only where a strict one fails.
//!
//! Coding agents send hundreds of kilobytes with every request, nearly all of it in long strings: these are looked
//! through 64 bytes at a time.

use super::nest::Nest;
use std::ops::Range;
use wide::u8x16;

/// How many bytes of a string are looked at together.
const BLOCK: usize = 64;
const LANES: usize = 16;

/// How a byte behind a backslash goes on: not at all, as itself, or with four hexadecimal digits.
static ESCAPES: [Escape; 256] = escapes();

#[derive(Clone, Copy)]
enum Escape {
    Invalid,
    Single,
    Unicode,
}

/// A position in a text.
pub(super) struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    lenient: bool,
}

/// A value that was gone through.
pub(super) struct Scanned {
    /// Where it lies.
    pub(super) range: Range<usize>,
    /// Where the last element of an array begins, up to the end of the array; `None` for what has no element.
    pub(super) last: Option<Range<usize>>,
}

impl<'a> Scan<'a> {
    /// Accepts JSON alone.
    pub(super) fn strict(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0, lenient: false }
    }

    /// Accepts what providers send as well.
    pub(super) fn lenient(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0, lenient: true }
    }

    /// Passes `byte` and the white space around it, if it comes next.
    pub(super) fn eat(&mut self, byte: u8) -> Option<()> {
        self.space();
        (self.peek()? == byte).then(|| self.at += 1)?;
        self.space();
        Some(())
    }

    /// Whether nothing but white space is left.
    pub(super) fn is_over(&mut self) -> bool {
        self.space();
        self.at == self.text.len()
    }

    /// Passes a string and gives its place, quotes included.
    pub(super) fn key(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        (self.peek()? == b'"').then(|| self.at += 1)?;
        self.string()?;
        Some(start..self.at)
    }

    /// Passes a value of any depth. `None` if there is no valid one.
    pub(super) fn value(&mut self) -> Option<Scanned> {
        let start = self.at;
        let mut nest = Nest::default();
        let mut last = None;
        loop {
            if nest.depth() == 1 && !nest.in_object() {
                last = Some(self.at);
            }
            let opened = match self.peek()? {
                b'{' => self.open(b'}', true, &mut nest)?,
                b'[' => self.open(b']', false, &mut nest)?,
                _ => self.scalar().map(|()| false)?,
            };
            if opened {
                continue;
            }
            if !self.go_on(&mut nest)? {
                let last = last.map(|last| last..self.at.saturating_sub(1));
                return Some(Scanned { range: start..self.at, last });
            }
        }
    }

    /// Passes the beginning of an object or array, and all of an empty one. Whether something is in it.
    fn open(&mut self, close: u8, object: bool, nest: &mut Nest) -> Option<bool> {
        self.at += 1;
        self.space();
        if self.peek()? == close {
            self.at += 1;
            return Some(false);
        }
        nest.push(object);
        if object {
            self.name()?;
        }
        Some(true)
    }

    /// Behind a value: passes what closes, up to the next value. Whether there is one.
    fn go_on(&mut self, nest: &mut Nest) -> Option<bool> {
        while nest.depth() != 0 {
            self.space();
            match self.peek()? {
                b',' => {
                    self.at += 1;
                    self.space();
                    if nest.in_object() {
                        self.name()?;
                    }
                    return Some(true);
                }
                b'}' if nest.in_object() => {}
                b']' if !nest.in_object() => {}
                _ => return None,
            }
            self.at += 1;
            nest.pop();
        }
        Some(false)
    }

    fn name(&mut self) -> Option<()> {
        self.key()?;
        self.eat(b':')
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
            b'N' | b'I' if self.lenient => self.no_number(),
            _ => self.number(),
        }
    }

    /// Passes what JavaScript and Python write for floats that JSON does not have.
    fn no_number(&mut self) -> Option<()> {
        self.word(b"NaN").or_else(|| self.word(b"Infinity"))
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.text[self.at..].starts_with(word).then(|| self.at += word.len())
    }

    fn number(&mut self) -> Option<()> {
        if self.skip(b"-") && self.lenient && matches!(self.peek(), Some(b'N' | b'I')) {
            return self.no_number();
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

    /// Passes one of `bytes`, if one comes next.
    fn skip(&mut self, bytes: &[u8]) -> bool {
        let found = self.peek().is_some_and(|byte| bytes.contains(&byte));
        self.at += usize::from(found);
        found
    }

    /// Passes the rest of a string, whose first quote is passed.
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

    /// Passes `block`, or what of it belongs to the string. Whether the string ends in it.
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
                    // What is escaped is not special; behind the block's last byte it lies in the next.
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

    /// Checks the escape whose backslash is at `at`, and gives its end.
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
        // A backslash that escapes nothing stands for itself.
        end.or_else(|| self.lenient.then_some(at + 1))
    }

    /// Passes white space.
    pub(super) fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

/// Which of `lanes` end a string, begin an escape, or may not stand in a string: a bit each.
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
