//! Certificate files: read at the start, and reloaded when they change.

use super::{TLS, call, launch};
use crate::dialects::{CHAT, KEY};
use crate::harness::provider_settings;
use aibridge_testkit::{
    Authority, Gate, Gateway, H2Client, H2End, Launch, ScriptedProvider, poll_until, skip_test, wait_until,
};
use std::fs;
use std::process::Command;

async fn certificate(gateway: &Gateway, authority: &Authority) -> Vec<u8> {
    H2Client::connect(gateway.address(), authority).await.certificate().to_vec()
}

/// Waits until the gateway watches its files.
async fn wait_until_watching(gateway: &Gateway) {
    gateway.hang_up();
    gateway.wait_for_output("settings reloaded: nothing changed").await;
}

#[tokio::test]
async fn a_new_certificate_applies_to_new_connections_and_ends_no_stream() {
    let gate = Gate::new();
    let script_gate = gate.clone();
    let provider = ScriptedProvider::start(move |_| CHAT.held_stream(&script_gate)).await;
    let authority = Authority::new();
    let gateway = launch(&authority, &provider_settings(&provider.base_url(), &[KEY])).start().await;
    wait_until_watching(&gateway).await;
    let mut old = H2Client::connect(gateway.address(), &authority).await;
    let mut stream = call(&mut old, &CHAT, true).await;
    stream.head().await;
    stream.read_until(CHAT.events[0]).await;

    let next = authority.issue();
    next.write_to(gateway.launch().dir());
    gateway.wait_for_output("settings=[\"tls\"]").await;
    assert_eq!(certificate(&gateway, &authority).await, next.der.as_ref());
    assert_ne!(old.certificate(), &next.der);
    assert_eq!(old.call("GET", "/healthz", &[], "").await.1, "ok", "an old connection takes new requests");
    gateway.hang_up();
    let unchanged = || gateway.stderr().matches("settings reloaded: nothing changed").count() == 2;
    wait_until(unchanged, "the new certificate to be no news").await;
    gate.open();
    assert_eq!(stream.read_to_end().await, (CHAT.events[1..].concat().into(), H2End::Clean));
}

#[tokio::test]
async fn unusable_files_are_refused_and_the_previous_ones_stay_in_force() {
    let authority = Authority::new();
    let launch = launch(&authority, "");
    let (dir, old) = (launch.dir().to_owned(), authority.issue());
    old.write_to(&dir);
    let gateway = launch.start().await;
    wait_until_watching(&gateway).await;
    fs::write(dir.join("key.pem"), authority.issue().key).unwrap();
    gateway
        .wait_for_output("tls.key: the key in the file \"key.pem\" does not match the first certificate")
        .await;
    assert_eq!(certificate(&gateway, &authority).await, old.der.as_ref());
    fs::remove_file(dir.join("cert.pem")).unwrap();
    gateway.wait_for_output("tls.cert: the file \"cert.pem\" cannot be read").await;
    let log = gateway.stderr();
    assert!(log.contains("the new settings are refused, and the old ones stay in force: "), "{log}");
    assert_eq!(certificate(&gateway, &authority).await, old.der.as_ref());

    let next = authority.issue();
    next.write_to(&dir);
    gateway.wait_for_output("settings=[\"tls\"]").await;
    assert_eq!(certificate(&gateway, &authority).await, next.der.as_ref());
}

#[tokio::test]
async fn other_certificate_paths_apply_at_once_and_removing_them_needs_a_restart() {
    let authority = Authority::new();
    let gateway = launch(&authority, "").start().await;
    wait_until_watching(&gateway).await;
    let (path, next) = (gateway.launch().config_path(), authority.issue());
    fs::create_dir(gateway.launch().dir().join("next")).unwrap();
    next.write_to(&gateway.launch().dir().join("next"));
    fs::write(&path, "[tls]\ncert = \"next/cert.pem\"\nkey = \"next/key.pem\"\n").unwrap();
    gateway.wait_for_output("settings=[\"tls\"]").await;
    assert_eq!(certificate(&gateway, &authority).await, next.der.as_ref());

    let last = authority.issue();
    last.write_to(&gateway.launch().dir().join("next"));
    let is_taken = async || certificate(&gateway, &authority).await == last.der.as_ref();
    poll_until(is_taken, "the last certificate to be used").await;

    fs::write(&path, "[auth]\nbyok = false\n").unwrap();
    gateway.wait_for_output("restart to apply these changed settings settings=[\"tls\"]").await;
    assert_eq!(certificate(&gateway, &authority).await, last.der.as_ref());
}

/// Contents of the two files, the setting that the message names, and a part of its advice.
fn bad_files(authority: &Authority) -> Vec<(String, String, &'static str, &'static str)> {
    let (good, other) = (authority.issue(), authority.issue());
    let with = |cert: &str, key: &str, setting, words| (cert.to_owned(), key.to_owned(), setting, words);
    let half = good.cert.split_at(200).0;
    let encrypted = good.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let garbled = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let small = "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n";
    let swapped = authority.certificate_pem() + &good.cert;
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

async fn assert_refused(launch: &Launch, setting: &str, words: &str) {
    for command in ["check", "serve"] {
        let ended = launch.clone().arg(command).run().await;
        assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(2), ""), "{words}: {ended:?}");
        assert!(ended.stderr.contains(&format!("{setting}: ")), "{ended:?}");
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[tokio::test]
async fn bad_files_are_refused_with_advice() {
    let authority = Authority::new();
    let launch = launch(&authority, "");
    for (cert, key, setting, words) in bad_files(&authority) {
        fs::write(launch.dir().join("cert.pem"), cert).unwrap();
        fs::write(launch.dir().join("key.pem"), key).unwrap();
        assert_refused(&launch, setting, words).await;
        assert_refused(&launch, setting, "aibridge.toml: ").await;
    }
    for (settings, setting, words) in [
        ("cert = \"cert.pem\"", "tls.key", "is not set, but tls.cert is; write the path"),
        ("key = \"key.pem\"", "tls.cert", "is not set, but tls.key is; write the path"),
        ("cert = \"none.pem\"\nkey = \"key.pem\"", "tls.cert", "\"none.pem\" cannot be read"),
        ("cert = \"cert.pem\"\nkey = \".\"", "tls.key", "\".\" cannot be read"),
    ] {
        let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(format!("[tls]\n{settings}\n"));
        authority.issue().write_to(launch.dir());
        assert_refused(&launch, setting, words).await;
    }
}

#[tokio::test]
async fn an_expired_certificate_is_logged_as_a_warning() {
    let authority = Authority::new();
    for (years, words) in
        [(2000..2001, "has expired on 2001-01-01"), (3000..3001, "is not valid before 3000-01-01")]
    {
        let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(TLS);
        authority.issue_for_years(years).write_to(launch.dir());
        let ended = launch.clone().arg("check").run().await;
        assert_eq!(ended.status.code(), Some(0));
        assert!(ended.stderr.contains("warning: tls.cert: the certificate in cert.pem "), "{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
        launch.start().await.wait_for_output(words).await;
    }
}

/// Private keys in the formats of common tools.
#[tokio::test]
async fn keys_of_every_usual_kind_are_accepted() {
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
        let Ok(made) = made else { return skip_test("there is no openssl") };
        assert!(made.status.success(), "{made:?}");
        let ended = launch.arg("check").run().await;
        assert_eq!(ended.status.code(), Some(0), "{kind:?}: {ended:?}");
    }
}
