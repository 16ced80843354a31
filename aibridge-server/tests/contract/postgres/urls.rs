//! The URLs that managed databases issue, with the parameters of libpq.

use super::launch;
use crate::dialects::{CHAT, KEY};
use aibridge_testkit::{Launch, Postgres, RawClient, Script, ScriptedProvider};

#[tokio::test]
async fn the_parameters_of_managed_databases_are_understood() {
    let Some((server, certificate)) = Postgres::start_with_tls().await else { return };
    let provider = ScriptedProvider::start(|_| Script::json(200, CHAT.response(false))).await;
    let port = server.port().expect("a port");
    for parameters in [
        "sslmode=require&channel_binding=prefer&connect_timeout=10&target_session_attrs=read-write",
        "sslmode=verify-ca&sslrootcert=root.pem&target_session_attrs=primary",
        "sslmode=require&sslrootcert=root.pem&application_name=gateway",
    ] {
        let launch = launch(&server, &provider, "");
        std::fs::write(launch.dir().join("root.pem"), &certificate).expect("written");
        // Not the name in the certificate, which only verify-full checks.
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres?{parameters}");
        let gateway = launch.store(url).start().await;
        let response = RawClient::post(gateway.address(), CHAT.target, &[], CHAT.request(false)).await;
        assert_eq!(response.status(), 200, "{parameters}");
        gateway.terminate(); // and stores what is left in its journal, which is removed with its directory
        gateway.wait_exit().await;
    }
    assert_eq!(server.rows("aibridge_interceptions").await.len(), 3);
}

#[tokio::test]
async fn a_parameter_that_cannot_be_met_is_refused_at_the_start() {
    for (parameters, advice) in [
        ("target_session_attrs=read-only", "write read-write or primary"),
        ("connect_timeout=soon", "write a number of seconds"),
        ("channel_binding=require&sslmode=disable", "remove sslmode=disable"),
        ("sslcert=client.pem", "the known ones are sslmode"),
    ] {
        let settings = format!("[store]\nurl = \"postgres://ann:{KEY}@db/a?{parameters}\"");
        let ended = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings).arg("check").run().await;
        assert_eq!(ended.status.code(), Some(2), "{parameters}: {ended:?}");
        assert!(ended.stderr.contains(advice), "{parameters}: {}", ended.stderr);
        assert!(!ended.stderr.contains(KEY), "{parameters}: {}", ended.stderr);
    }
}
