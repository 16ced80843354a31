//! Host and origin checks: a web page in a browser of a user cannot use the gateway unless the settings allow it.

use crate::auth::tokens_of;
use crate::endpoints::KEYS;
use crate::harness::{Harness, provider_settings, status_and_code};
use crate::reload::settings;
use aibridge_testkit::{Authority, H2Client, Launch, RawClient, Response, Script, ScriptedProvider};
use secrecy::ExposeSecret;
use std::net::SocketAddr;

const CHAT: &str = "/openai/v1/chat/completions";
const MODELS: &str = "/openai/v1/models";
const HOST: (u16, Option<&str>) = (403, Some("host_not_allowed"));
const ORIGIN: (u16, Option<&str>) = (403, Some("origin_not_allowed"));
const PAGE: (&str, &str) = ("Origin", "https://app.example");

type Headers<'a> = &'a [(&'a str, &'a str)];

async fn start(settings: &str) -> (ScriptedProvider, Harness) {
    let provider = ScriptedProvider::start(|_| {
        let script = Script::json(200, "{}").header("Access-Control-Allow-Origin", "*");
        script.header("Access-Control-Allow-Credentials", "true")
    })
    .await;
    let settings = format!("{settings}\n{}", provider_settings(&provider.base_url(), &KEYS[..1]));
    (provider, Harness::start(&settings).await)
}

/// Calls with exactly these headers, including `Host`.
async fn call(address: SocketAddr, method: &str, target: &str, headers: Headers<'_>) -> Response {
    let body = if method == "POST" { "{}" } else { "" };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let request = format!("{method} {target} HTTP/1.1\r\n{headers}{length}\r\n{body}");
    RawClient::connect(address).await.call(request.as_bytes()).await
}

/// The routes that need no token, with their method.
const OPEN: [(&str, &str); 6] = [
    ("POST", CHAT),
    ("GET", MODELS),
    ("GET", "/metrics"),
    ("GET", "/api/v1/interceptions"),
    ("GET", "/api/v1/keys"),
    ("GET", "/api/v1/openapi.json"),
];

#[tokio::test]
async fn foreign_host_names_are_refused() {
    let (provider, gateway) = start("").await;
    for host in ["evil.example", "evil.example:8080", "localhost.evil.example", "192.0.2.1"] {
        for (method, target) in OPEN {
            let response = call(gateway.address, method, target, &[("Host", host)]).await;
            assert_eq!(status_and_code(&response), HOST, "{host} {target}");
            let error = &response.json()["error"];
            assert_eq!(error["type"], "permission_error");
            assert!(error["message"].as_str().unwrap().contains("server.allowed_hosts"));
        }
        for target in ["/healthz", "/readyz"] {
            assert_eq!(
                call(gateway.address, "GET", target, &[("Host", host)]).await.status(),
                200,
                "{target}"
            );
        }
    }
    assert!(provider.received().is_empty());
}

#[tokio::test]
async fn the_host_of_an_absolute_target_is_checked_like_that_in_the_header() {
    let (provider, gateway) = start("").await;
    for (authority, host, expected) in [
        ("evil.example", "localhost", HOST),
        ("localhost", "evil.example", HOST),
        ("127.0.0.1:80", "localhost", (200, None)),
    ] {
        let bytes = format!("GET http://{authority}{MODELS} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let response = RawClient::connect(gateway.address).await.call(bytes.as_bytes()).await;
        assert_eq!(status_and_code(&response), expected, "{authority} {host}");
    }
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test]
async fn requests_without_a_foreign_origin_are_served() {
    let settings = "[server]\nallowed_hosts = [\"gateway.example\"]\ncors_origins = [\"app://desktop\"]";
    let (_provider, gateway) = start(settings).await;
    let own = gateway.address.to_string();
    let table: [Headers<'_>; 10] = [
        &[("Host", &own)],
        &[("Host", "localhost:8080")],
        &[("Host", "[::1]")],
        &[("Host", "127.9.9.9")],
        &[("Host", "gateway.example:8080")],
        &[("Host", "localhost"), ("Origin", "http://localhost:3000")],
        &[("Host", "localhost"), ("Origin", "https://gateway.example")],
        &[("Host", "localhost"), ("Origin", "app://desktop"), ("Sec-Fetch-Site", "cross-site")],
        &[("Host", "localhost"), ("Sec-Fetch-Site", "same-origin")],
        &[("Host", "localhost"), ("Sec-Fetch-Site", "none")],
    ];
    for headers in table {
        for (method, target) in OPEN {
            let response = call(gateway.address, method, target, headers).await;
            assert_eq!(status_and_code(&response), (200, None), "{headers:?} {target}");
        }
    }
    let mut old = RawClient::connect(gateway.address).await;
    assert_eq!(old.call(format!("GET {MODELS} HTTP/1.0\r\n\r\n").as_bytes()).await.status(), 200);
}

#[tokio::test]
async fn foreign_origins_are_refused() {
    let (provider, gateway) = start("").await;
    let table: [Headers<'_>; 5] = [
        &[("Host", "localhost"), ("Origin", "https://evil.example")],
        &[("Host", "localhost"), ("Origin", "null")],
        &[("Host", "localhost"), ("Origin", "https://evil.example"), ("Sec-Fetch-Site", "same-origin")],
        &[("Host", "localhost"), ("Sec-Fetch-Site", "cross-site")],
        &[("Host", "localhost"), ("Sec-Fetch-Site", "same-site")],
    ];
    for headers in table {
        for (method, target) in OPEN {
            let response = call(gateway.address, method, target, headers).await;
            assert_eq!(status_and_code(&response), ORIGIN, "{headers:?} {target}");
            assert!(response.text().contains("server.cors_origins"));
            assert_eq!(response.header("access-control-allow-origin"), None);
        }
    }
    // A browser posts a form without a preflight.
    let form = [("Host", "localhost"), ("Origin", "null"), ("Content-Type", "text/plain")];
    assert_eq!(status_and_code(&call(gateway.address, "POST", CHAT, &form).await), ORIGIN);
    assert!(provider.received().is_empty());
}

fn preflight<'a>(host: &'a str, origin: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("Host", host),
        ("Origin", origin),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization,x-stainless-os"),
        ("Access-Control-Request-Private-Network", "true"),
    ]
}

#[tokio::test]
async fn preflights_succeed_only_for_listed_origins() {
    for mode in ["none", "tokens"] {
        let settings = format!("[server]\ncors_origins = [\"{}\"]\n[auth]\nmode = \"{mode}\"", PAGE.1);
        let (provider, gateway) = start(&settings).await;
        for target in [CHAT, MODELS, "/metrics", "/api/v1/interceptions"] {
            let response = call(gateway.address, "OPTIONS", target, &preflight("localhost", PAGE.1)).await;
            assert_eq!((response.status(), response.text()), (204, ""), "{mode} {target}");
            assert_eq!(response.header("access-control-allow-origin"), Some(PAGE.1));
            assert!(response.header("access-control-allow-methods").unwrap().contains("POST"));
            assert_eq!(response.header("access-control-allow-headers"), Some("authorization,x-stainless-os"));
            assert_eq!(response.header("access-control-allow-private-network"), Some("true"));
            assert_eq!(response.header("access-control-allow-credentials"), None);

            let evil = preflight("localhost", "https://evil.example");
            let response = call(gateway.address, "OPTIONS", target, &evil).await;
            assert_eq!(status_and_code(&response), ORIGIN, "{mode} {target}");
            assert_eq!(response.header("access-control-allow-origin"), None);
        }
        let rebound = call(gateway.address, "OPTIONS", CHAT, &preflight("evil.example", PAGE.1)).await;
        assert_eq!(status_and_code(&rebound), if mode == "none" { HOST } else { (204, None) });
        assert!(provider.received().is_empty());
    }
}

#[tokio::test]
async fn a_listed_origin_may_read_responses_and_refusals() {
    let settings = format!("[server]\ncors_origins = [\"{}\"]", PAGE.1);
    let (_provider, gateway) = start(&settings).await;
    for (method, target, status) in
        [("POST", CHAT, 200), ("GET", MODELS, 200), ("GET", "/metrics", 200), ("GET", CHAT, 405)]
    {
        let response = call(gateway.address, method, target, &[("Host", "localhost"), PAGE]).await;
        assert_eq!(response.status(), status);
        let names: Vec<_> =
            response.head.names().into_iter().filter(|name| name.starts_with("access-")).collect();
        assert_eq!(names.len(), 2, "{target}: {names:?}: nothing of the provider's");
        assert_eq!(response.header("access-control-allow-origin"), Some(PAGE.1), "{target}");
        let exposed = response.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("X-AIBridge-Interception-Id") && exposed.contains("X-AIBridge-Error"));
        assert!(response.header("vary").unwrap().contains("Origin"));
    }
    let response = call(gateway.address, "GET", MODELS, &[("Host", "localhost")]).await;
    assert!(
        response.head.names().iter().all(|name| !name.starts_with("access-")),
        "{:?}",
        response.head.names()
    );
    assert_eq!(response.header("vary"), Some("Origin"), "a cache must not give it to a page");
}

#[tokio::test]
async fn an_access_token_overrides_the_host_check() {
    let settings = "[server]\ncors_origins = [\"*\"]\n[auth]\nmode = \"tokens\"";
    let (_provider, gateway) = start(settings).await;
    let tokens = tokens_of(&gateway);
    let user = format!("Bearer {}", tokens.create("ann", None).unwrap().1.expose_secret());
    let admin = format!("Bearer {}", tokens.create_admin("bob", None).unwrap().1.expose_secret());
    let foreign = [("Host", "gateway.example"), ("Origin", "https://any.example")];

    let response =
        call(gateway.address, "POST", CHAT, &[&foreign[..], &[("Authorization", &user)]].concat()).await;
    assert_eq!(status_and_code(&response), (200, None));
    assert_eq!(response.header("access-control-allow-origin"), Some("*"));
    let response =
        call(gateway.address, "OPTIONS", CHAT, &preflight("gateway.example", "https://any.example")).await;
    assert_eq!((response.status(), response.header("access-control-allow-origin")), (204, Some("*")));
    let response = call(gateway.address, "POST", CHAT, &foreign).await;
    assert_eq!(status_and_code(&response), (401, Some("invalid_gateway_token")));
    assert_eq!(response.header("access-control-allow-origin"), Some("*"), "the page may read why");

    // A direct loopback request needs no token for this, but this request comes from a page.
    assert_eq!(status_and_code(&call(gateway.address, "GET", "/metrics", &foreign).await), HOST);
    let origin = [("Host", "localhost"), foreign[1]];
    assert_eq!(status_and_code(&call(gateway.address, "GET", "/metrics", &origin).await), ORIGIN);
    let with_token = [&foreign[..], &[("Authorization", &admin)]].concat();
    assert_eq!(status_and_code(&call(gateway.address, "GET", "/metrics", &with_token).await), (200, None));
}

#[tokio::test]
async fn the_admin_listener_has_the_same_checks() {
    let (_provider, gateway) = start("[admin]\nlisten = \"127.0.0.1:0\"").await;
    let admin = gateway.admin.unwrap();
    for target in ["/metrics", "/api/v1/interceptions"] {
        assert_eq!(
            status_and_code(&call(admin, "GET", target, &[("Host", "evil.example")]).await),
            HOST,
            "{target}"
        );
        let page = [("Host", "localhost"), PAGE];
        assert_eq!(status_and_code(&call(admin, "GET", target, &page).await), ORIGIN, "{target}");
        assert_eq!(
            status_and_code(&call(admin, "GET", target, &[("Host", "localhost")]).await),
            (200, None),
            "{target}"
        );
    }
    assert_eq!(call(admin, "GET", "/readyz", &[("Host", "evil.example")]).await.status(), 200);
}

#[tokio::test]
async fn over_http_2_the_authority_is_the_host() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let authority = Authority::new();
    let tls = "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";
    let settings = format!("{tls}{}", provider_settings(&provider.base_url(), &KEYS[..1]));
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings);
    authority.issue().write_to(launch.dir());
    let gateway = launch.start().await;
    let mut client = H2Client::connect(gateway.address(), &authority).await;
    for (host, headers, expected) in [
        ("localhost:8443", &[][..], 200),
        ("evil.example", &[], 403),
        ("evil.example", &[("host", "localhost")], 403),
        ("localhost", &[PAGE], 403),
    ] {
        for target in [MODELS, "/metrics"] {
            let (head, _, _) = client.call("GET", &format!("https://{host}{target}"), headers, "").await;
            assert_eq!(head.status(), expected, "{host} {headers:?} {target}");
        }
    }
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test]
async fn allowed_hosts_and_origins_reload_at_once() {
    let provider = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let providers = provider_settings(&provider.base_url(), &KEYS[..1]);
    let gateway = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(providers.clone()).start().await;
    let named = [("Host", "gateway.example")];
    let page = [("Host", "localhost"), PAGE];
    assert_eq!(status_and_code(&call(gateway.address(), "GET", MODELS, &named).await), HOST);
    assert_eq!(status_and_code(&call(gateway.address(), "GET", MODELS, &page).await), ORIGIN);
    let open = format!("allowed_hosts = [\"gateway.example\"]\ncors_origins = [\"{}\"]", PAGE.1);
    let output = "settings=[\"server.allowed_hosts\", \"server.cors_origins\"]";
    settings(&gateway, &format!("[server]\n{open}\n{providers}"), output).await;
    for headers in [&named[..], &page] {
        assert_eq!(status_and_code(&call(gateway.address(), "GET", MODELS, headers).await), (200, None));
    }
}
