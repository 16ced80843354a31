//! Which headers reach whom: exact sets, as they are on the wire.

mod encoding;
mod relayed;
mod to_client;
mod to_provider;
mod tokens;
mod underscores;

/// Names in lower case with their values, sorted: what two sets of headers are compared by.
fn sorted(headers: &[(impl AsRef<str>, impl AsRef<str>)]) -> Vec<(String, String)> {
    let mut sorted: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_ref().to_ascii_lowercase(), value.as_ref().to_owned()))
        .collect();
    sorted.sort();
    sorted
}
