//! The exact sets of headers that reach the provider and the client.

mod encoding;
mod statuses;
mod to_client;
mod to_provider;
mod tokens;
mod underscores;

/// Headers with names in lower case, sorted, so that two sets can be compared.
fn sorted(headers: &[(impl AsRef<str>, impl AsRef<str>)]) -> Vec<(String, String)> {
    let mut sorted: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_ref().to_ascii_lowercase(), value.as_ref().to_owned()))
        .collect();
    sorted.sort();
    sorted
}
