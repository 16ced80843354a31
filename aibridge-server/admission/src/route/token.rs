//! Finds access tokens in a URL, which would expose them to the provider and to logs.

use aibridge_intercept::credential::{ACCESS_TOKEN_PREFIX, contains_whole_access_token, is_token_byte};
use http::Uri;
use percent_encoding::percent_decode;
use std::borrow::Cow;

/// The layers of percent-encoding that are decoded. No recipient decodes more of them.
const MAX_DECODED: usize = 3;

/// Whether the path or the query of `uri` contains what looks like an access token, percent-encoded or not.
pub(super) fn is_in(uri: &Uri) -> bool {
    let mut text = Cow::Borrowed(uri.path_and_query().map_or("", |url| url.as_str()).as_bytes());
    for _ in 0..MAX_DECODED {
        if holds_token(&text) {
            return true;
        }
        if !text.contains(&b'%') {
            return false;
        }
        text = Cow::Owned(percent_decode(&text).collect());
    }
    holds_token(&text)
}

/// Whether `text` contains a token: a word that begins with the prefix, or a part of a word that is as long as a token.
/// Ids and cursors may contain the prefix by chance.
fn holds_token(text: &[u8]) -> bool {
    let prefix = ACCESS_TOKEN_PREFIX.as_bytes();
    let mut found = text.windows(prefix.len()).enumerate().filter(|(_, window)| *window == prefix);
    found.any(|(at, _)| !text[..at].last().is_some_and(is_token_byte)) || contains_whole_access_token(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_anywhere_in_the_url() {
        for (url, expected) in [
            ("/openai/v1/models", false),
            ("/openai/v1/models?after=xaib_1&y=x-aib_", false),
            ("/openai/v1/models?aib=1&a%69b", false),
            ("/openai/v1/models?key=aib_1", true),
            ("/openai/v1/models?a=b&aib_1", true),
            ("/openai/v1/models?key=%61ib_1", true),
            ("/openai/v1/models?key=aib%5F1", true),
            ("/openai/v1/models?key=%2561%69b_1", true),
            ("/openai/v1/models?key=Bearer%20aib_1", true),
            ("/openai/v1/models?key=Bearer+aib_1", true),
            ("/openai/v1/models/aib_1", true),
            ("/openai/v1/models?k=xaib_0123456789012345678901234567890123456789012", true),
        ] {
            assert_eq!(is_in(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
