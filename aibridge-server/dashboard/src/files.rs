//! The files of the page, which are embedded in the binary.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// A file of the page.
#[derive(Debug)]
pub struct PageFile {
    /// The media type, for `Content-Type`.
    pub content_type: &'static str,
    /// The content, uncompressed.
    pub content: Bytes,
    /// The entity tag, which changes with the content.
    pub etag: String,
}

/// The views of the page. Each is a path of its own, and all have the same document.
const VIEWS: [&str; 6] = ["sessions", "requests", "users", "keys", "me", "login"];

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const IMAGE: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

macro_rules! embedded {
    ($($path:literal: $kind:expr),* $(,)?) => {
        &[$(($path, $kind, include_bytes!(concat!("../", $path)))),*]
    };
}

/// The embedded files by their paths in this crate.
const EMBEDDED: &[(&str, &str, &[u8])] = embedded![
    "assets/index.html": HTML,
    "assets/icon.svg": IMAGE,
    "assets/style.css": STYLE,
    "assets/app.js": SCRIPT,
    "assets/api.js": SCRIPT,
    "assets/chart.js": SCRIPT,
    "assets/filters.js": SCRIPT,
    "assets/format.js": SCRIPT,
    "assets/keys.js": SCRIPT,
    "assets/login.js": SCRIPT,
    "assets/me.js": SCRIPT,
    "assets/overview.js": SCRIPT,
    "assets/parts.js": SCRIPT,
    "assets/requests.js": SCRIPT,
    "assets/router.js": SCRIPT,
    "assets/session.js": SCRIPT,
    "assets/sessions.js": SCRIPT,
    "assets/users.js": SCRIPT,
    "vendor/preact-htm.js": SCRIPT,
    "vendor/uplot.js": SCRIPT,
    "vendor/uplot.css": STYLE,
    "vendor/LICENSE-preact.txt": TEXT,
    "vendor/LICENSE-htm.txt": TEXT,
    "vendor/LICENSE-uplot.txt": TEXT,
];

static FILES: LazyLock<Vec<(String, PageFile)>> = LazyLock::new(|| {
    let file = |(path, content_type, content): &(&str, &'static str, &'static [u8])| {
        let tag = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(content)[..12]);
        let file =
            PageFile { content_type, content: Bytes::from_static(content), etag: format!("\"{tag}\"") };
        (format!("/dashboard/{path}"), file)
    };
    EMBEDDED.iter().map(file).collect()
});

/// Returns the file at `path`; `None` if there is none. The document of the page is at `/dashboard` and at the path of each
/// view.
pub fn find(path: &str) -> Option<&'static PageFile> {
    let path = if is_view(path) { "/dashboard/assets/index.html" } else { path };
    FILES.iter().find(|(name, _)| name == path).map(|(_, file)| file)
}

fn is_view(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/dashboard") else { return false };
    if rest.is_empty() {
        return true;
    }
    let mut parts = rest.split('/').skip(1);
    let (view, item, end) = (parts.next(), parts.next(), parts.next());
    let has_items = matches!(view, Some("sessions" | "requests"));
    let is_item = item.is_none_or(|item| has_items && !item.is_empty());
    rest.starts_with('/') && view.is_some_and(|view| VIEWS.contains(&view)) && is_item && end.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_have_the_document_of_the_page() {
        for path in ["/dashboard", "/dashboard/sessions", "/dashboard/sessions/x", "/dashboard/me"] {
            assert_eq!(find(path).map(|file| file.content_type), Some(HTML), "{path}");
        }
        for path in ["/dashboard/", "/dashboardx", "/dashboard/x", "/dashboard/sessions/", "/dashboard/me/x"]
        {
            assert!(find(path).is_none(), "{path}");
        }
        assert_eq!(find("/dashboard/assets/app.js").map(|file| file.content_type), Some(SCRIPT));
    }

    #[test]
    fn the_document_loads_only_embedded_files() {
        let document = std::str::from_utf8(EMBEDDED[0].2).expect("UTF-8");
        let links = document.split(['"']).filter(|part| part.starts_with("/dashboard/"));
        let found: Vec<&str> = links.collect();
        assert!(found.len() >= 4, "{found:?}");
        assert!(found.iter().all(|path| find(path).is_some()), "{found:?}");
        for (path, _, content) in EMBEDDED.iter().filter(|(path, ..)| path.ends_with(".js")) {
            let text = String::from_utf8_lossy(content);
            let imports = text.lines().filter_map(|line| line.split(" from \"").nth(1)?.split('"').next());
            for import in imports.filter(|_| path.starts_with("assets/")) {
                let target = match import.strip_prefix("./") {
                    Some(name) => format!("/dashboard/assets/{name}"),
                    None => import.replacen("../", "/dashboard/", 1),
                };
                assert!(find(&target).is_some(), "{path} imports {import}");
            }
        }
    }

    #[test]
    fn the_page_has_no_inline_script_or_style() {
        let document = std::str::from_utf8(EMBEDDED[0].2).expect("UTF-8");
        for forbidden in ["<style", " style=", "onclick", "onload", "javascript:"] {
            assert!(!document.contains(forbidden), "{forbidden}");
        }
        for (path, _, content) in EMBEDDED.iter().filter(|(path, ..)| path.starts_with("assets/")) {
            let text = String::from_utf8_lossy(content);
            for forbidden in ["innerHTML", "dangerouslySet", "insertAdjacent", "document.write", "eval("] {
                assert!(!text.contains(forbidden), "{path}: {forbidden}");
            }
        }
    }
}
