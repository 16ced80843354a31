//! `aibridge health`: exit code 0 if the gateway is ready, 1 if it is not.

use aibridge_testkit::{Authority, Launch, ProcessOutput};

async fn health(arguments: &[&str]) -> ProcessOutput {
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge"));
    ["health"].iter().chain(arguments).fold(launch, |launch, argument| launch.arg(*argument)).run().await
}

#[tokio::test]
async fn succeeds_only_while_the_gateway_is_ready() {
    let gateway = Launch::new(env!("CARGO_BIN_EXE_aibridge")).start().await;
    let address = gateway.address().to_string();
    let ready = health(&["--listen", &address]).await;
    assert_eq!((ready.status.code(), ready.stderr.as_str()), (Some(0), ""));

    gateway.terminate();
    gateway.wait_exit().await;
    let stopped = health(&["--listen", &address]).await;
    assert_eq!(stopped.status.code(), Some(1), "{stopped:?}");
    assert!(stopped.stderr.contains("does not respond"), "{stopped:?}");
}

#[tokio::test]
async fn names_the_setting_that_a_health_check_needs() {
    let unknown = health(&["--listen", "127.0.0.1:0"]).await;
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    assert!(unknown.stderr.contains("other than 0"), "{unknown:?}");

    let tls = "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(tls).arg("health");
    Authority::new().issue().write_to(launch.dir());
    let secured = launch.arg("--listen").arg("127.0.0.1:1").run().await;
    assert_eq!(secured.status.code(), Some(1), "{secured:?}");
    assert!(secured.stderr.contains("admin.listen"), "{secured:?}");
}
