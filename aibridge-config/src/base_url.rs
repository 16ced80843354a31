use url::Url;

/// What an operator is told to write instead.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    /// Such a URL.
    pub(crate) example: &'static str,
    /// Where credentials belong.
    pub(crate) credentials: &'static str,
}

/// A base URL with exactly one slash at its end.
///
/// # Errors
///
/// A message names no more of the URL than its scheme: the rest may hold a password.
pub(crate) fn parse(text: &str, wanted: Wanted) -> Result<Url, String> {
    check(text, wanted.credentials).map_err(|problem| format!("{problem}; write e.g. \"{}\"", wanted.example))
}

fn check(text: &str, credentials: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|error| format!("is no URL ({error})"))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(format!("has the scheme {:?}, not \"http\" or \"https\"", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("holds a user name or a password, which belong into {credentials}"));
    }
    if url.query().is_some() {
        return Err("has a query (\"?\"), which would swallow what is appended".to_owned());
    }
    if url.fragment().is_some() {
        return Err("has a fragment (\"#\"), which is never sent".to_owned());
    }
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted = Wanted { example: "https://example.com/v1/", credentials: "keys" };

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
            assert_eq!(parse(text, WANTED).map(String::from).as_deref(), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        let table = [
            ("", "is no URL"),
            ("api.openai.com/v1", "is no URL"),
            ("https://", "is no URL"),
            ("https://:80/", "is no URL"),
            ("ftp://example.com/", "has the scheme \"ftp\""),
            ("localhost:8000/v1", "has the scheme \"localhost\""),
            ("file:///etc/passwd", "has the scheme \"file\""),
            ("https://user@example.com/", "holds a user name or a password, which belong into keys"),
            ("https://:hunter2@example.com/", "holds a user name or a password, which belong into keys"),
            ("https://example.com/?key=hunter2", "has a query"),
            ("https://example.com/?", "has a query"),
            ("https://example.com/#hunter2", "has a fragment"),
            ("https://example.com/#", "has a fragment"),
        ];
        for (text, expected) in table {
            let message = parse(text, WANTED).expect_err(text);
            assert!(message.starts_with(expected), "{text:?}: {message}");
            assert!(message.ends_with("; write e.g. \"https://example.com/v1/\""), "{text:?}: {message}");
            assert!(!message.contains("hunter2"), "{text:?}: {message}");
        }
    }
}
