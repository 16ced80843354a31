/// Something that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// The description of all others.
    Document,
    /// A page of interceptions.
    Interceptions,
    /// The interception with this id, as it was written.
    Interception(String),
    /// What was used.
    Usage,
    /// A page of sessions.
    Sessions,
    /// The keys of the providers.
    Keys,
}

/// Where each of them is, as the document writes it.
pub(crate) const PATHS: [(&str, fn(&str) -> Endpoint); 6] = [
    ("/api/v1/openapi.json", |_| Endpoint::Document),
    ("/api/v1/interceptions", |_| Endpoint::Interceptions),
    ("/api/v1/interceptions/{id}", |id| Endpoint::Interception(id.to_owned())),
    ("/api/v1/usage", |_| Endpoint::Usage),
    ("/api/v1/sessions", |_| Endpoint::Sessions),
    ("/api/v1/keys", |_| Endpoint::Keys),
];

impl Endpoint {
    /// The one at `path`.
    pub fn find(path: &str) -> Option<Self> {
        PATHS.iter().find_map(|(template, endpoint)| Some(endpoint(placed(template, path)?)))
    }

    /// Whether anyone may ask. The document says what every copy of this program says, and generators of clients want it
    /// without a token.
    pub fn is_public(&self) -> bool {
        *self == Self::Document
    }
}

/// What stands in `path` at the place that the template leaves, if they are the same otherwise.
fn placed<'a>(template: &str, path: &'a str) -> Option<&'a str> {
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
