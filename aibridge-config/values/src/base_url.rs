//! Base URLs of providers and collectors.

use url::Url;

/// The advice in the message about an unusable URL.
#[derive(Clone, Copy)]
pub struct Advice {
    /// A valid URL.
    pub example: &'static str,
    /// The settings or variables for credentials.
    pub credentials: &'static str,
}

/// Parses a base URL. The result ends in exactly one slash.
///
/// # Errors
///
/// The message contains no part of the URL but its scheme: the rest may contain a password.
pub fn parse(text: &str, advice: Advice) -> Result<Url, String> {
    let base = check(text, advice.credentials).and_then(|mut url| {
        if url.query().is_some() {
            return Err("has a query (\"?\"), to which no path can be appended".to_owned());
        }
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(url)
    });
    base.map_err(|problem| advice.with(&problem))
}

/// Parses a URL that is used as it is.
///
/// # Errors
///
/// As of [`parse`].
pub fn parse_exact(text: &str, advice: Advice) -> Result<Url, String> {
    check(text, advice.credentials).map_err(|problem| advice.with(&problem))
}

impl Advice {
    fn with(self, problem: &str) -> String {
        format!("{problem}; write e.g. \"{}\"", self.example)
    }
}

fn check(text: &str, credentials: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is not a URL ({error})"))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(format!("has the scheme {:?}, not \"http\" or \"https\"", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("contains a user name or a password; set these in {credentials}"));
    }
    if url.fragment().is_some() {
        return Err("has a fragment (\"#\"), which is never sent".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADVICE: Advice = Advice { example: "https://example.com/v1/", credentials: "keys" };

    #[test]
    fn base_urls_end_in_one_slash() {
        let table = [
            ("https://api.openai.com/v1/", "https://api.openai.com/v1/"),
            ("https://api.openai.com/v1", "https://api.openai.com/v1/"),
            ("https://api.openai.com/v1//", "https://api.openai.com/v1/"),
            ("https://api.openai.com", "https://api.openai.com/"),
            ("http://127.0.0.1:8000/openai/v1", "http://127.0.0.1:8000/openai/v1/"),
            ("http://[::1]:8000", "http://[::1]:8000/"),
            ("HTTPS://Example.COM/V1", "https://example.com/V1/"),
            ("https://example.com/a%2Fb", "https://example.com/a%2Fb/"),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text, ADVICE).map(String::from).as_deref(), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn exact_urls_are_unchanged() {
        for (text, expected) in [
            ("http://c:4318/v1/traces", "http://c:4318/v1/traces"),
            ("http://c:4318/a?b=c", "http://c:4318/a?b=c"),
            ("http://c:4318", "http://c:4318/"),
        ] {
            assert_eq!(parse_exact(text, ADVICE).map(String::from).as_deref(), Ok(expected), "{text:?}");
        }
        assert!(
            parse_exact("http://u:hunter2@c/", ADVICE).is_err_and(|message| !message.contains("hunter2"))
        );
    }

    #[test]
    fn other_urls_are_refused() {
        let table = [
            ("", "is not a URL"),
            ("api.openai.com/v1", "is not a URL"),
            ("https://", "is not a URL"),
            ("https://:80/", "is not a URL"),
            ("ftp://example.com/", "has the scheme \"ftp\""),
            ("localhost:8000/v1", "has the scheme \"localhost\""),
            ("file:///etc/passwd", "has the scheme \"file\""),
            ("https://user@example.com/", "contains a user name or a password; set these in keys"),
            ("https://:hunter2@example.com/", "contains a user name or a password; set these in keys"),
            ("https://example.com/?key=hunter2", "has a query"),
            ("https://example.com/?", "has a query"),
            ("https://example.com/#hunter2", "has a fragment"),
            ("https://example.com/#", "has a fragment"),
        ];
        for (text, expected) in table {
            let message = parse(text, ADVICE).expect_err(text);
            assert!(message.starts_with(expected), "{text:?}: {message}");
            assert!(message.ends_with("; write e.g. \"https://example.com/v1/\""), "{text:?}: {message}");
            assert!(!message.contains("hunter2"), "{text:?}: {message}");
        }
    }
}
