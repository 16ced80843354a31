//! The real binary: its start.

use aibridge_testkit::Launch;

fn launch(settings: String) -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings)
}

#[tokio::test]
async fn bad_settings_are_refused_with_what_to_write_instead() {
    let table = [
        ("[server]\nlisten = \"0.0.0.0:1\"", "server.listen"),
        ("[server]\nlistn = \"127.0.0.1:0\"", "listn"),
        ("[[provider]]\ntype = \"openai\"\nname = \"Bad\"", "provider[0].name"),
        ("[[provider]]\ntype = \"openai\"\nname = \"metrics\"", "provider[0].name"),
        ("[[provider]]\ntype = \"openai\"\nbase_url = \"ftp://x\"", "provider[0].base_url"),
        ("[[provider]]\ntype = \"openai\"\nkeys = [\"env:UNSET\"]", "UNSET"),
        ("[[provider]]\ntype = \"openai\"\nkeys = [\"a\", \"a\"]", "keys"),
        ("[store]\nurl = \"mysql://host/db\"", "store.url"),
    ];
    for (settings, named) in table {
        let launch = launch(settings.to_owned());
        let ended = launch.arg("check").run().await;
        assert_eq!(ended.status.code(), Some(2), "{settings}: {ended:?}");
        assert!(
            ended.stderr.contains(named) && ended.stderr.contains("aibridge.toml"),
            "{settings}: {}",
            ended.stderr
        );
    }
    assert_eq!(launch(String::new()).arg("--no-such-flag").run().await.status.code(), Some(2));
}

#[tokio::test]
async fn a_newcomer_can_copy_the_base_url() {
    let gateway = launch(String::new()).start().await;
    let said = gateway.stdout();
    assert!(
        said.contains(&format!("{} -> https://api.openai.com/v1/", gateway.base_url("openai"))),
        "{said}"
    );
    assert!(said.contains("no keys") && said.contains("sqlite:"), "{said}");
    gateway.terminate();
    assert_eq!(gateway.exited().await.status.code(), Some(0));
}
