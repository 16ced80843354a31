//! Names of headers and query parameters that carry a credential.

/// Words that mark a credential at any position of a name.
const ANYWHERE: [&str; 15] = [
    "authorization",
    "cookie",
    "credential",
    "signature",
    "secret",
    "password",
    "apikey",
    "api-key",
    "accesskey",
    "access-key",
    "jwt",
    "assertion",
    "bearer",
    "dpop",
    "portkey-config",
];

/// Words that mark a credential at the end of a name. `key` also covers `accessKey` and `subscription-key`; other names
/// with that end (`monkey`) are masked too.
const AT_END: [&str; 5] = ["key", "token", "auth", "passwd", "passphrase"];

/// Names and ends of names that mark a credential in a query, but not in a header: `X-Error-Code` stays readable.
const IN_QUERIES: [&str; 18] = [
    "sig",
    "code",
    "otp",
    "totp",
    "pass",
    "pwd",
    "pat",
    "pin",
    "sas",
    "hmac",
    "sid",
    "session",
    "ticket",
    "verifier",
    "samlresponse",
    "keys",
    "tokens",
    "bearer",
];

/// Whether the header `name`, in lower case with `_` read as `-`, carries a credential.
pub(super) fn is_secret_header(name: &str) -> bool {
    ANYWHERE.iter().any(|word| name.contains(word)) || AT_END.iter().any(|word| name.ends_with(word))
}

/// Whether the query parameter `name`, percent-decoded but in any case, carries a credential. The
/// last part of a nested name such as `auth[token]` counts too.
pub(super) fn is_secret_parameter(name: &str) -> bool {
    let name = name.to_lowercase().replace(['_', '.', '[', ' '], "-");
    let name = name.trim_matches(|char: char| !char.is_alphanumeric());
    let last = name.rsplit('-').next().unwrap_or(name);
    is_secret_header(name) || IN_QUERIES.contains(&last)
}
