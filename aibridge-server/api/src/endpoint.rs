//! The endpoints and their paths.

/// An endpoint of the API, found by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The OpenAPI document of the API.
    Document,
    /// A page of interceptions.
    Interceptions,
    /// One interception, with the id as the path spells it.
    Interception(String),
    /// Token usage, added up.
    Usage,
    /// A page of sessions.
    Sessions,
    /// The keys of all providers.
    Keys,
}

/// The path of each endpoint, as the OpenAPI document spells it.
pub(crate) const PATHS: [(&str, fn(&str) -> Endpoint); 6] = [
    ("/api/v1/openapi.json", |_| Endpoint::Document),
    ("/api/v1/interceptions", |_| Endpoint::Interceptions),
    ("/api/v1/interceptions/{id}", |id| Endpoint::Interception(id.to_owned())),
    ("/api/v1/usage", |_| Endpoint::Usage),
    ("/api/v1/sessions", |_| Endpoint::Sessions),
    ("/api/v1/keys", |_| Endpoint::Keys),
];

impl Endpoint {
    /// Returns the endpoint at `path`, which has to match exactly.
    pub fn find(path: &str) -> Option<Self> {
        PATHS.iter().find_map(|(template, endpoint)| Some(endpoint(placeholder(template, path)?)))
    }

    /// Whether the endpoint needs no token. The document is the same in every copy of this program, and client generators
    /// fetch it without a token.
    pub fn is_public(&self) -> bool {
        *self == Self::Document
    }
}

/// Returns the part of `path` that stands for `{id}` in `template`, or an empty text if the template has none. `None` if
/// the path does not match.
fn placeholder<'a>(template: &str, path: &'a str) -> Option<&'a str> {
    match template.strip_suffix("{id}") {
        Some(before) => path.strip_prefix(before).filter(|id| !id.is_empty() && !id.contains('/')),
        None => (path == template).then_some(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_exact() {
        let table = [
            ("/api/v1/interceptions", Some(Endpoint::Interceptions)),
            ("/api/v1/interceptions/x", Some(Endpoint::Interception("x".to_owned()))),
            ("/api/v1/interceptions/", None),
            ("/api/v1/interceptions/x/y", None),
            ("/api/v1/interceptionsx", None),
            ("/api/v1/usage", Some(Endpoint::Usage)),
            ("/api/v1/usage/", None),
            ("/api/v1", None),
            ("/api/v2/usage", None),
        ];
        for (path, expected) in table {
            assert_eq!(Endpoint::find(path), expected, "{path}");
        }
    }
}
