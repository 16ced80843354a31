//! Which paths a provider serves. The list is a security boundary: a pool key may be allowed to do more than clients
//! are.

/// A provider's routes, below its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routes {
    /// Intercepted, `POST` only; exact paths.
    pub bridged: &'static [&'static str],
    /// Relayed unread, any method; an entry that ends with a slash stands for everything below it, but not for itself.
    pub passthrough: &'static [&'static str],
}

/// What a path is to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Intercepted.
    Bridged(&'static str),
    /// Relayed unread: the entry that matches.
    PassThrough(&'static str),
}

impl Routes {
    /// What `path`, with its leading slash, is.
    pub fn find(&self, path: &str) -> Option<Route> {
        if let Some(route) = self.bridged.iter().find(|route| **route == path) {
            return Some(Route::Bridged(route));
        }
        let listed = self.passthrough.iter().find(|route| match path.strip_prefix(**route) {
            Some(rest) => rest.is_empty() != route.ends_with('/'),
            None => false,
        });
        listed.map(|route| Route::PassThrough(route))
    }
}

/// The routes of the OpenAI API that the gateway serves.
pub(crate) const OPENAI: Routes = Routes {
    bridged: &["/chat/completions", "/responses", "/responses/compact"],
    passthrough: &["/conversations", "/conversations/", "/models", "/models/", "/responses/"],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_exact() {
        let bridged = ["/chat/completions", "/responses", "/responses/compact"];
        for path in bridged {
            assert_eq!(OPENAI.find(path), Some(Route::Bridged(path)));
        }
        for (path, route) in [
            ("/models", "/models"),
            ("/models/gpt-4.1", "/models/"),
            ("/models/a/b", "/models/"),
            ("/conversations", "/conversations"),
            ("/conversations/c/items", "/conversations/"),
            ("/responses/resp_1", "/responses/"),
            ("/responses/resp_1/cancel", "/responses/"),
            ("/responses/compact/x", "/responses/"),
        ] {
            assert_eq!(OPENAI.find(path), Some(Route::PassThrough(route)), "{path}");
        }
        for path in [
            "",
            "/",
            "/chat",
            "/chat/completions/",
            "/chat/completions/x",
            "/completions",
            "/responses/",
            "/models/",
            "/conversations/",
            "/modelsx",
            "/model",
            "/embeddings",
            "/files",
            "/Models",
            "models",
        ] {
            assert_eq!(OPENAI.find(path), None, "{path}");
        }
    }
}
