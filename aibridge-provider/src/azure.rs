//! The paths of Azure's deployments, which clients of its older API send: `/openai/deployments/{model}/chat/completions`.
//!
//! They are other spellings of bridged routes, so each is bridged, and a path that is none of them is no route.

use crate::routes::is_canonical;
use url::Url;

const DEPLOYMENTS: &str = "/openai/deployments/";

/// The routes of a deployment that are bridged.
const OF_A_DEPLOYMENT: [&str; 2] = ["/chat/completions", "/embeddings"];

/// The path of Azure's responses API, whose requests name the model in the body.
const RESPONSES: (&str, &str) = ("/openai/responses", "/responses");

/// The end of the base URL of Azure's newer API, beside which the paths of deployments are.
const NEWER_API: &str = "/openai/v1/";

/// The bridged route that `path` spells, and the deployment in it.
pub(crate) fn bridged_route(path: &str) -> Option<(&'static str, Option<&str>)> {
    if path == RESPONSES.0 {
        return Some((RESPONSES.1, None));
    }
    let deployment = path.strip_prefix(DEPLOYMENTS)?;
    let (model, _) = deployment.split_once('/')?;
    let route = OF_A_DEPLOYMENT.into_iter().find(|route| deployment[model.len()..] == **route)?;
    is_canonical(&path[..DEPLOYMENTS.len() + model.len()]).then_some((route, Some(model)))
}

/// The base URL of the paths of deployments at the provider with `base_url`.
pub(crate) fn base_url(base_url: &Url) -> Url {
    let mut url = base_url.clone();
    if let Some(root) = base_url.path().strip_suffix(NEWER_API) {
        url.set_path(&format!("{root}/"));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_paths_are_routes() {
        for (path, expected) in [
            ("/openai/deployments/gpt-4.1/chat/completions", Some(("/chat/completions", Some("gpt-4.1")))),
            ("/openai/deployments/my_model/embeddings", Some(("/embeddings", Some("my_model")))),
            ("/openai/responses", Some(("/responses", None))),
            ("/openai/deployments//chat/completions", None),
            ("/openai/deployments/m", None),
            ("/openai/deployments/m/", None),
            ("/openai/deployments/m/completions", None),
            ("/openai/deployments/m/chat/completions/", None),
            ("/openai/deployments/m/Chat/completions", None),
            ("/openai/deployments/m;v=1/chat/completions", None),
            ("/openai/deployments/%6d/chat/completions", None),
            ("/openai/deployments/a/b/chat/completions", None),
            ("/Openai/deployments/m/chat/completions", None),
            ("/openai/responses/", None),
            ("/openai/responses/resp_1", None),
            ("/chat/completions", None),
        ] {
            assert_eq!(bridged_route(path), expected, "{path}");
        }
    }

    #[test]
    fn deployments_are_beside_the_newer_api() {
        for (url, expected) in [
            ("https://r.openai.azure.com/openai/v1/", "https://r.openai.azure.com/"),
            ("https://proxy.test/azure/openai/v1/", "https://proxy.test/azure/"),
            ("https://r.openai.azure.com/", "https://r.openai.azure.com/"),
            ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/v1/"),
        ] {
            assert_eq!(base_url(&Url::parse(url).unwrap()).as_str(), expected);
        }
    }
}
