//! TLS to a provider: trusted certificates, and the error for an untrusted one.

use aibridge_testkit::{
    Authority, Gateway, IssuedCertificate, Launch, RawClient, Response, Script, ScriptedProvider, TlsFront,
    poll_until,
};

const CHAT: &str = "/openai/v1/chat/completions";
const BODY: &str = r#"{"model":"m","messages":[]}"#;
const WHOLE: &str = r#"{"id":"c1","choices":[]}"#;
const VALID: std::ops::Range<i32> = 2000..4000;

/// A provider behind TLS.
struct Provider {
    front: TlsFront,
    _behind: ScriptedProvider,
}

impl Provider {
    async fn start(certificate: &IssuedCertificate, clients: Option<&Authority>) -> Self {
        let behind = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
        let front = TlsFront::start(certificate.server_config(clients), behind.address()).await;
        Self { front, _behind: behind }
    }

    /// A gateway with `files` in its folder and with `settings` of the provider.
    fn launch(&self, files: &[(&str, &str)], settings: &str) -> Launch {
        let base_url = self.front.base_url();
        let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(format!(
            "[[provider]]\ntype = \"openai\"\nkeys = [\"sk-0123456789\"]\nbase_url = \"{base_url}\"\n{settings}"
        ));
        for (name, text) in files {
            std::fs::write(launch.dir().join(name), text).expect("a file");
        }
        launch
    }
}

async fn call(gateway: &Gateway) -> Response {
    RawClient::post(gateway.address(), CHAT, &[], BODY).await
}

fn assert_refused(response: &Response, reason: &str, about: &str) {
    let code = response.header("x-aibridge-error");
    assert_eq!((response.status(), code), (502, Some("upstream_tls")), "{about}: {}", response.text());
    let text = response.text();
    assert!(text.contains(reason), "{about}: {text}");
    for internal in
        ["rustls", "webpki", "InvalidCertificate", "UnknownIssuer", "CaUsed", "client error", "127.0.0.1"]
    {
        assert!(!text.contains(internal), "{about}: {text}");
    }
}

#[tokio::test]
async fn named_authorities_and_certificates_are_trusted() {
    let authority = Authority::new();
    let own = IssuedCertificate::self_signed(&["localhost"], VALID);
    let other = IssuedCertificate::self_signed(&["localhost"], VALID);
    let ca = authority.certificate_pem();
    let several = [other.cert.as_str(), &ca, &own.cert].concat();
    for (certificate, ca) in [
        (authority.issue(), &ca),
        (own.clone(), &own.cert),
        (own.clone(), &several),
        (authority.issue(), &several),
    ] {
        let provider = Provider::start(&certificate, None).await;
        let gateway = provider.launch(&[("ca.pem", ca)], "tls_ca = \"ca.pem\"").start().await;
        let response = call(&gateway).await;
        assert_eq!((response.status(), response.text()), (200, WHOLE));
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_named_by_its_problem() {
    let authority = Authority::new();
    let ca = authority.certificate_pem();
    let self_signed = |names: &[&str], years| IssuedCertificate::self_signed(names, years);
    let stranger = self_signed(&["localhost"], VALID);
    let expired = self_signed(&["localhost"], 2000..2001);
    let misnamed = self_signed(&["other.example"], VALID);
    for (certificate, ca, reason) in [
        (authority.issue(), None, "unknown issuer"),
        (stranger.clone(), None, "unknown issuer"),
        (stranger, Some(&ca), "unknown issuer"),
        (Authority::new().issue(), Some(&ca), "unknown issuer"),
        (authority.issue_for_years(2000..2001), Some(&ca), "expired"),
        (expired.clone(), Some(&expired.cert), "expired"),
        (authority.issue_for_years(3000..4000), Some(&ca), "not valid yet"),
        (authority.issue_for(&["other.example"], VALID), Some(&ca), "wrong host"),
        (misnamed.clone(), Some(&misnamed.cert), "wrong host"),
    ] {
        let provider = Provider::start(&certificate, None).await;
        let files: Vec<_> = ca.iter().map(|ca| ("ca.pem", ca.as_str())).collect();
        let setting = if ca.is_some() { "tls_ca = \"ca.pem\"" } else { "" };
        let gateway = provider.launch(&files, setting).start().await;
        assert_refused(&call(&gateway).await, reason, reason);
        let row = gateway.store().rows("aibridge_interceptions").pop().unwrap();
        assert_eq!((&row["outcome"], &row["error_type"]), (&"failed".into(), &"upstream_unreachable".into()));
    }
}

#[tokio::test]
async fn the_gateway_presents_its_certificate() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let (client, stranger) = (clients.issue(), Authority::new().issue());
    let provider = Provider::start(&authority.issue(), Some(&clients)).await;
    let ca = authority.certificate_pem();
    let mutual = "tls_ca = \"ca.pem\"\ntls_client_cert = \"cert.pem\"\ntls_client_key = \"key.pem\"";
    for (certificate, settings, is_accepted) in
        [(&client, mutual, true), (&client, "tls_ca = \"ca.pem\"", false), (&stranger, mutual, false)]
    {
        let files = [("ca.pem", ca.as_str()), ("cert.pem", &certificate.cert), ("key.pem", &certificate.key)];
        let gateway = provider.launch(&files, settings).start().await;
        let response = call(&gateway).await;
        match is_accepted {
            true => assert_eq!(response.status(), 200, "{}", response.text()),
            false => assert_refused(&response, "tls_client_cert", settings),
        }
    }
}

#[tokio::test]
async fn changed_files_are_read_again() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let provider = Provider::start(&authority.issue(), Some(&clients)).await;
    let (old, new) = (Authority::new().issue(), clients.issue());
    let files =
        [("ca.pem", Authority::new().certificate_pem()), ("cert.pem", old.cert), ("key.pem", old.key)];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let settings = "tls_ca = \"ca.pem\"\ntls_client_cert = \"cert.pem\"\ntls_client_key = \"key.pem\"";
    let launch = provider.launch(&files, settings);
    let gateway = launch.start().await;
    assert_refused(&call(&gateway).await, "unknown issuer", "another authority");
    let file = launch.dir().join("ca.pem");
    std::fs::write(launch.dir().join("new.pem"), authority.certificate_pem()).unwrap();
    std::fs::rename(launch.dir().join("new.pem"), file).unwrap();
    let is_answered = async |text: &str| call(&gateway).await.text().contains(text);
    poll_until(async || is_answered("tls_client_cert").await, "the new authority is trusted").await;
    new.write_to(launch.dir());
    poll_until(async || is_answered("c1").await, "the new certificate is presented").await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_refused_at_the_start() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (certificate, key) = (authority.issue(), other.issue().key);
    let provider = Provider::start(&certificate, None).await;
    let damaged = certificate.cert.replace("MII", "NII");
    let cut = &certificate.cert[..certificate.cert.len() / 2];
    let files = [
        ("ca.pem", authority.certificate_pem()),
        ("empty.pem", String::new()),
        ("text.pem", "no certificate".to_owned()),
        ("key.pem", certificate.key.clone()),
        ("damaged.pem", damaged),
        ("cut.pem", cut.to_owned()),
        ("cert.pem", certificate.cert.clone()),
        ("other.pem", key),
    ];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    for (settings, setting, advice) in [
        ("tls_ca = \"none.pem\"", "tls_ca", "cannot be read"),
        ("tls_ca = \"empty.pem\"", "tls_ca", "contains no certificate"),
        ("tls_ca = \"text.pem\"", "tls_ca", "contains no certificate"),
        ("tls_ca = \"key.pem\"", "tls_ca", "contains no certificate"),
        ("tls_ca = \"damaged.pem\"", "tls_ca", "cannot be used"),
        ("tls_ca = \"cut.pem\"", "tls_ca", "damaged"),
        ("tls_client_cert = \"cert.pem\"", "tls_client_key", "remove provider[0].tls_client_cert"),
        ("tls_client_key = \"key.pem\"", "tls_client_cert", "remove provider[0].tls_client_key"),
        (
            "tls_client_cert = \"cert.pem\"\ntls_client_key = \"other.pem\"",
            "tls_client_key",
            "does not match",
        ),
        ("tls_client_cert = \"text.pem\"\ntls_client_key = \"key.pem\"", "tls_client_cert", "contains no"),
    ] {
        let ended = provider.launch(&files, settings).arg("check").run().await;
        assert_eq!(ended.status.code(), Some(2), "{settings}: {ended:?}");
        let start = format!("aibridge: aibridge.toml: provider[0].{setting}: ");
        assert!(ended.stderr.starts_with(&start), "{settings}: {}", ended.stderr);
        assert!(ended.stderr.contains(advice), "{settings}: {}", ended.stderr);
        assert!(!ended.stderr.contains("PRIVATE"), "{}", ended.stderr);
    }
}
