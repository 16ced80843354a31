//! Dumps have no credentials.

use super::{files, settings};
use crate::endpoints::ENDPOINTS;
use crate::harness::{Harness, provider_settings};
use aibridge_testkit::{RawClient, Script, ScriptedProvider, request};
use tempfile::TempDir;

const POOL: [&str; 3] =
    ["sk-limited-secret-0123456789", "sk-rejected-secret-0123456789", "sk-good-secret-0123456789"];
const OWN: &str = "sk-own-secret-0123456789";
const EXTRA: &str = "extra-secret-0123456789";
const COOKIE: &str = "cookie-secret-0123456789";
const SET_COOKIE: &str = "set-cookie-secret-0123456789";
const HEADER: &str = "header-secret-0123456789";
const QUERY: &str = "query-secret-0123456789";
const ANSWERED: &str = "answered-secret-0123456789";

#[tokio::test]
async fn dumps_have_only_hints_of_credentials() {
    let provider = ScriptedProvider::start(|request| {
        let status = match request.bearer() {
            Some(key) if key == POOL[0] => 429,
            Some(key) if key == POOL[1] => 401,
            _ => 200,
        };
        Script::json(status, "{}")
            .header("Set-Cookie", &format!("sid={SET_COOKIE}; Path=/"))
            .header("Location", &format!("https://elsewhere.test/next?state=1&access%5Ftoken={ANSWERED}"))
            .header("Operation-Location", &format!("/op?api-version=2&sig={ANSWERED}"))
            .header("link", &format!("<https://elsewhere.test/?code={ANSWERED}>; rel=\"next\""))
    })
    .await;
    let dir = TempDir::new().unwrap();
    let own = provider_settings(&provider.base_url(), &[]).replace("type", "name = \"own\"\ntype");
    let gateway = Harness::start(&format!(
        "{}extra_headers = {{ x-team = \"{EXTRA}\" }}\n{own}api_dump_dir = {:?}\nextra_headers = {{ cookie = \"a={COOKIE}\" }}\n",
        settings(&provider.base_url(), &POOL, dir.path()),
        dir.path().display().to_string(),
    ))
    .await;
    let bearer = format!("Bearer {OWN}");
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Cookie", HEADER),
        ("Api-Key", HEADER),
        ("X-Api-Key", HEADER),
        ("X-Goog-Api-Key", HEADER),
        ("X-Auth-Token", HEADER),
        ("Ocp-Apim-Subscription-Key", HEADER),
        ("X_Functions_Key", HEADER),
        ("Portkey-Auth", HEADER),
        ("CF-Access-Client-Secret", HEADER),
        ("X-Hub-Signature-256", HEADER),
        ("X-Proxy-Password", HEADER),
    ];
    let queries =
        ["api_key", "api%5Fkey", "%6bey", "sig", "code", "token", "Subscription-Key", "X-Amz-Signature"]
            .map(|name| format!("{name}={QUERY}"))
            .join("&");
    for endpoint in &ENDPOINTS {
        for name in ["openai", "own"] {
            let target = endpoint.target.replace("openai", name) + "?" + &queries;
            let bytes = request("POST", &target, &headers, endpoint.body.as_bytes());
            let response = RawClient::connect(gateway.address).await.call(&bytes).await;
            assert_eq!(response.status(), 200, "{target}");
        }
    }
    gateway.stop().await;

    let files = files(dir.path());
    assert!(provider.received().iter().any(|request| request.header("portkey-auth") == Some(HEADER)));
    for hint in [
        "sk-l...6789",
        "sk-r...6789",
        "sk-g...6789",
        "sk-o...6789",
        "x-team: extr...6789",
        "cookie: a=cook...6789",
        "sid=set-...6789; Path=/",
        "ocp-apim-subscription-key: head...6789",
        "?api_key=quer...6789&api%5Fkey=quer...6789&%6bey=quer...6789&sig=quer...6789",
        "location: https://elsewhere.test/next?state=1&access%5Ftoken=answ...6789",
        "operation-location: /op?api-version=2&sig=answ...6789",
        "link: <https://elsewhere.test/?code=answ...6789>; rel=\"next\"",
    ] {
        assert!(files.values().any(|content| content.contains(hint)), "{hint} is nowhere");
    }
    let secrets = POOL.iter().chain(&[OWN, EXTRA, COOKIE, SET_COOKIE, HEADER, QUERY, ANSWERED]);
    for secret in secrets {
        for (path, content) in &files {
            assert!(!path.contains(secret) && !content.contains(secret), "{secret} is in {path}: {content}");
        }
    }
    assert!(files.keys().any(|path| path.starts_with("own/m/")), "{files:?}");
}
