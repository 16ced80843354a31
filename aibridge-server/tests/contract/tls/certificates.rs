//! The files with the certificate and its key: read at the start, and when they change.

use super::{TLS, ask, launch};
use crate::dialects::{CHAT, KEY};
use crate::harness::provider_settings;
use aibridge_testkit::{
    Authority, Gate, Gateway, H2Client, H2End, Launch, Script, ScriptedProvider, Step, wait_until,
};
use std::fs;
use std::process::Command;

async fn certificate(gateway: &Gateway, authority: &Authority) -> Vec<u8> {
    H2Client::connect(gateway.address(), authority).await.certificate().to_vec()
}

/// Waits until the gateway watches its files.
async fn watching(gateway: &Gateway) {
    gateway.hang_up();
    gateway.said("settings reloaded: nothing changed").await;
}

#[tokio::test]
async fn a_new_certificate_is_for_new_connections_and_no_stream_is_cut() {
    let gate = Gate::new();
    let held = gate.clone();
    let provider = ScriptedProvider::start(move |_| {
        let [first, second, last] = CHAT.events;
        let script = Script::sse_head().chunk(first).then(Step::Await(held.clone()));
        script.chunk([second, last].concat()).then(Step::End)
    })
    .await;
    let authority = Authority::new();
    let gateway = launch(&authority, &provider_settings(&provider.base_url(), &[KEY])).start().await;
    watching(&gateway).await;
    let mut old = H2Client::connect(gateway.address(), &authority).await;
    let mut stream = ask(&mut old, &CHAT, true).await;
    stream.head().await;
    stream.until(CHAT.events[0]).await;

    let next = authority.issue();
    next.put(gateway.launch().dir());
    gateway.said("settings=[\"tls\"]").await;
    assert_eq!(certificate(&gateway, &authority).await, next.der.as_ref());
    assert_ne!(old.certificate(), &next.der);
    assert_eq!(old.ask("GET", "/healthz", &[], "").await.1, "ok", "an old connection takes new requests");
    gateway.hang_up();
    let unchanged = || gateway.stderr().matches("settings reloaded: nothing changed").count() == 2;
    wait_until(unchanged, "the new certificate to be no news").await;
    gate.open();
    assert_eq!(stream.rest().await, (CHAT.events[1..].concat().into(), H2End::Clean));
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_and_the_old_stays() {
    let authority = Authority::new();
    let launch = launch(&authority, "");
    let (dir, old) = (launch.dir().to_owned(), authority.issue());
    old.put(&dir);
    let gateway = launch.start().await;
    watching(&gateway).await;
    fs::write(dir.join("key.pem"), authority.issue().key).unwrap();
    gateway.said("tls.key: the key in the file \"key.pem\" does not match the first certificate").await;
    assert_eq!(certificate(&gateway, &authority).await, old.der.as_ref());
    fs::remove_file(dir.join("cert.pem")).unwrap();
    gateway.said("tls.cert: the file \"cert.pem\" cannot be read").await;
    let log = gateway.stderr();
    assert!(log.contains("the new settings are refused, and the old ones stay in force: "), "{log}");
    assert_eq!(certificate(&gateway, &authority).await, old.der.as_ref());

    let next = authority.issue();
    next.put(&dir);
    gateway.said("settings=[\"tls\"]").await;
    assert_eq!(certificate(&gateway, &authority).await, next.der.as_ref());
}

#[tokio::test]
async fn other_files_are_taken_at_once_and_none_at_the_next_start() {
    let authority = Authority::new();
    let gateway = launch(&authority, "").start().await;
    watching(&gateway).await;
    let (path, next) = (gateway.launch().config_path(), authority.issue());
    fs::create_dir(gateway.launch().dir().join("next")).unwrap();
    next.put(&gateway.launch().dir().join("next"));
    fs::write(&path, "[tls]\ncert = \"next/cert.pem\"\nkey = \"next/key.pem\"\n").unwrap();
    gateway.said("settings=[\"tls\"]").await;
    assert_eq!(certificate(&gateway, &authority).await, next.der.as_ref());

    let last = authority.issue();
    last.put(&gateway.launch().dir().join("next"));
    while certificate(&gateway, &authority).await != last.der.as_ref() {}

    fs::write(&path, "[auth]\nbyok = false\n").unwrap();
    gateway.said("restart to apply these changed settings settings=[\"tls\"]").await;
    assert_eq!(certificate(&gateway, &authority).await, last.der.as_ref());
}

/// What is in the two files, the setting that is named, and of what to write instead.
fn bad_files(authority: &Authority) -> Vec<(String, String, &'static str, &'static str)> {
    let (good, other) = (authority.issue(), authority.issue());
    let with = |cert: &str, key: &str, setting, words| (cert.to_owned(), key.to_owned(), setting, words);
    let half = good.cert.split_at(200).0;
    let encrypted = good.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let garbled = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let small = "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n";
    let swapped = authority.pem() + &good.cert;
    vec![
        with("", &good.key, "tls.cert", "-----BEGIN CERTIFICATE-----"),
        with(&good.key, &good.key, "tls.cert", "-----BEGIN CERTIFICATE-----"),
        with(half, &good.key, "tls.cert", "the whole certificate"),
        with(garbled, &good.key, "tls.cert", "an X.509 certificate"),
        with(&good.cert, "", "tls.key", "-----BEGIN PRIVATE KEY-----"),
        with(&good.cert, &good.cert, "tls.key", "-----BEGIN PRIVATE KEY-----"),
        with(&good.cert, good.key.split_at(100).0, "tls.key", "the whole private key"),
        with(&good.cert, &encrypted, "tls.key", "openssl pkey -in ENCRYPTED -out PLAIN"),
        with(&good.cert, small, "tls.key", "an RSA key of 2048 bits or more"),
        with(&good.cert, &other.key, "tls.key", "the path of the key of that certificate"),
        with(&swapped, &good.key, "tls.key", "the path of the key of that certificate"),
    ]
}

async fn refused(launch: &Launch, setting: &str, words: &str) {
    for command in ["check", "serve"] {
        let ended = launch.clone().arg(command).run().await;
        assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(2), ""), "{words}: {ended:?}");
        assert!(ended.stderr.contains(&format!("{setting}: ")), "{ended:?}");
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[tokio::test]
async fn bad_files_are_refused_with_what_to_write_instead() {
    let authority = Authority::new();
    let launch = launch(&authority, "");
    for (cert, key, setting, words) in bad_files(&authority) {
        fs::write(launch.dir().join("cert.pem"), cert).unwrap();
        fs::write(launch.dir().join("key.pem"), key).unwrap();
        refused(&launch, setting, words).await;
        refused(&launch, setting, "aibridge.toml: ").await;
    }
    for (settings, setting, words) in [
        ("cert = \"cert.pem\"", "tls.key", "is not set, but tls.cert is; write the path"),
        ("key = \"key.pem\"", "tls.cert", "is not set, but tls.key is; write the path"),
        ("cert = \"none.pem\"\nkey = \"key.pem\"", "tls.cert", "\"none.pem\" cannot be read"),
        ("cert = \"cert.pem\"\nkey = \".\"", "tls.key", "\".\" cannot be read"),
    ] {
        let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(format!("[tls]\n{settings}\n"));
        authority.issue().put(launch.dir());
        refused(&launch, setting, words).await;
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_will_accept_is_warned_of() {
    let authority = Authority::new();
    for (years, words) in
        [(2000..2001, "has expired on 2001-01-01"), (3000..3001, "is not valid before 3000-01-01")]
    {
        let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(TLS);
        authority.issue_for(years).put(launch.dir());
        let ended = launch.clone().arg("check").run().await;
        assert_eq!(ended.status.code(), Some(0));
        assert!(ended.stderr.contains("warning: tls.cert: the certificate in cert.pem "), "{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
        launch.start().await.said(words).await;
    }
}

/// Keys as others make them.
#[tokio::test]
async fn keys_of_every_usual_kind_are_taken() {
    let table: [&[&str]; 4] = [
        &["-newkey", "rsa:2048"],
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"],
        &["-newkey", "ed25519"],
    ];
    for kind in table {
        let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(TLS);
        let own =
            ["req", "-x509", "-noenc", "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"];
        let made = Command::new("openssl").args(own).args(kind).current_dir(launch.dir()).output();
        let Ok(made) = made else { return eprintln!("no openssl here: skipped") };
        assert!(made.status.success(), "{made:?}");
        let ended = launch.arg("check").run().await;
        assert_eq!(ended.status.code(), Some(0), "{kind:?}: {ended:?}");
    }
}
