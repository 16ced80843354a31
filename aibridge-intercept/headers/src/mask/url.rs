//! Masks credentials in URLs, and in text that may contain URLs.

use super::name::is_secret_parameter;
use crate::credential::{ACCESS_TOKEN_PREFIX, contains_access_token};
use aibridge_keypool::hint;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use url::Url;

/// The path and query of `url`, with hints in place of credentials.
pub fn target(url: &Url) -> String {
    let shown = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    text(&shown).into_owned()
}

/// The maximum nesting of URLs in parameters of URLs.
const MAX_DEPTH: u32 = 3;

/// `text` with hints in place of the credentials in its URLs: the values of parameters in a query, a fragment or a path,
/// passwords before a host, and access tokens anywhere. The text need not be a URL: a header may contain several.
pub fn text(text: &str) -> Cow<'_, str> {
    mask(text, MAX_DEPTH)
}

fn mask(text: &str, depth: u32) -> Cow<'_, str> {
    // Nearly every header has neither a parameter nor a password nor a token.
    if !text.contains(['=', '@']) && !contains_access_token(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((end, delimiter)) = next_delimiter(rest) {
        masked.push_str(&part(&rest[..end], depth));
        masked.push(delimiter);
        rest = &rest[end + delimiter.len_utf8()..];
    }
    masked.push_str(&part(rest, depth));
    if masked == text { Cow::Borrowed(text) } else { Cow::Owned(masked) }
}

/// The end of the first part of `text`: the next character that separates parameters, or a URL from the text around it.
/// `,`, `;`, and a `?` after a credential's name do not: a value may contain them, and its rest must be masked too.
fn next_delimiter(text: &str) -> Option<(usize, char)> {
    let mut in_secret = false;
    text.char_indices().find(|(at, char)| match char {
        '&' | '#' | '<' | '>' | '"' => true,
        '?' => {
            in_secret = in_secret || secret_value(&text[..*at]).is_some();
            !in_secret
        }
        other => other.is_whitespace(),
    })
}

/// Masks one part: a parameter, or the text before the first one.
fn part(part: &str, depth: u32) -> Cow<'_, str> {
    if let Some(value) = secret_value(part) {
        return format!("{}{}", &part[..value], hint(&part[value..])).into();
    }
    if let Some((name, value)) = part.split_once('=')
        && contains_encoded_secret(value, depth)
    {
        return format!("{name}={}", hint(value)).into();
    }
    let part = without_password(part);
    if contains_access_token(part.as_bytes()) { without_tokens(&part).into() } else { part }
}

/// The start of the value of the first secret parameter in `part`. Some servers treat `;` and `,` like `&`.
fn secret_value(part: &str) -> Option<usize> {
    part.match_indices('=').map(|(at, _)| at).find_map(|at| {
        let before = &part[..at];
        let start = before.rfind([';', ',', '=', '/']).map_or(0, |separator| separator + 1);
        is_secret_parameter(&decode(&before[start..])).then_some(at + 1)
    })
}

/// Whether a parameter's value is percent-encoded text with a credential, such as a return URL.
fn contains_encoded_secret(value: &str, depth: u32) -> bool {
    if depth == 0 || !value.contains('%') {
        return false;
    }
    let decoded = decode(value);
    matches!(mask(&decoded, depth - 1), Cow::Owned(_))
}

fn decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// Masks user and password in `https://user:password@host`.
fn without_password(part: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = part.split_once("//") else { return part.into() };
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rsplit_once('@') {
        Some((user, _)) => format!("{scheme}//{}{}", hint(user), &rest[user.len()..]).into(),
        None => part.into(),
    }
}

/// `part` with hints in place of access tokens.
fn without_tokens(part: &str) -> String {
    let mut masked = String::with_capacity(part.len());
    let mut rest = part;
    while let Some(start) = rest.find(ACCESS_TOKEN_PREFIX) {
        let token = &rest[start..];
        let length = token.find(|char: char| !char.is_ascii_alphanumeric() && !"-_".contains(char));
        let (token, after) = token.split_at(length.unwrap_or(token.len()));
        masked.push_str(&rest[..start]);
        masked.push_str(&hint(token));
        rest = after;
    }
    masked + rest
}
