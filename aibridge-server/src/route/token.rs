//! Access tokens in a URL, where they would reach the provider and its logs.

use aibridge_intercept::credential::ACCESS_TOKEN_PREFIX;
use http::Uri;
use percent_encoding::percent_decode;
use std::borrow::Cow;

/// A URL is decoded so often at most: what is encoded more often is no token to anyone.
const DECODED_AT_MOST: usize = 3;

/// Whether path or query of `uri` hold something that looks like an access token, percent-encoded or not.
pub(super) fn is_in(uri: &Uri) -> bool {
    let mut text = Cow::Borrowed(uri.path_and_query().map_or("", |url| url.as_str()).as_bytes());
    for _ in 0..DECODED_AT_MOST {
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

/// A token begins where a word begins: ids and cursors may hold its prefix by chance.
fn holds_token(text: &[u8]) -> bool {
    let prefix = ACCESS_TOKEN_PREFIX.as_bytes();
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    text.windows(prefix.len()).enumerate().any(|(at, window)| {
        window == prefix && !at.checked_sub(1).and_then(|before| text.get(before)).is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_wherever_it_is_in_the_url() {
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
        ] {
            assert_eq!(is_in(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
