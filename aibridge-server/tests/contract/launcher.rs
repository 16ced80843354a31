//! `aibridge run` and `aibridge connect`, with a script in the place of an agent.

use crate::endpoints::{CHAT, KEYS};
use crate::harness::provider_settings;
use aibridge_store::{Options, Tokens};
use aibridge_testkit::{Launch, ProcessOutput, RawClient, Script, ScriptedProvider, within};
use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// Writes its arguments and variables to files, then sends one chat completion to the gateway.
const AGENT: &str = r#"#!/bin/bash
printf '%s\n' "$@" > "$0.arguments"
env > "$0.variables"
url=$(printf '%s\n' "$@" "$OPENAI_BASE_URL" | grep -o 'http://[^"]*' | head -1)
authority=${url#http://}; authority=${authority%%/*}
exec 3<>"/dev/tcp/${authority%:*}/${authority##*:}"
printf 'POST %s/chat/completions HTTP/1.1\r\nHost: localhost\r\nUser-Agent: codex_cli_rs/1.0\r\nConnection: close\r\nContent-Length: %s\r\n\r\n%s' \
    "/openai/v1" "${#BODY}" "$BODY" >&3
cat <&3 > "$0.response"
exit 7
"#;

struct Launcher {
    launch: Launch,
    agent: PathBuf,
    _provider: ScriptedProvider,
}

impl Launcher {
    /// Prepares a launcher whose agent is the script `agent` with the name `name`.
    async fn new(name: &str, agent: &str) -> Self {
        let provider = ScriptedProvider::start(|_| Script::json(200, CHAT.response)).await;
        let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge"));
        let settings = provider_settings(&provider.base_url(), &KEYS);
        fs::write(launch.config_path(), settings).unwrap();
        let path = launch.dir().join(name);
        fs::write(&path, agent).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        Self { launch: launch.env("BODY", CHAT.body), agent: path, _provider: provider }
    }

    fn command(&self, words: &[&str], listen: &str) -> Launch {
        let launch = self.launch.clone().arg("run").arg("--listen").arg(listen);
        let launch = launch.arg("--config").arg(self.launch.config_path());
        let launch = launch.arg("--store").arg(format!("sqlite:{}", self.launch.store_path().display()));
        words.iter().fold(launch, |launch, word| launch.arg(word))
    }

    async fn run(&self, listen: &str, arguments: &[&str]) -> ProcessOutput {
        let words = [&[self.agent.to_str().unwrap()], arguments].concat();
        self.command(&words, listen).run().await
    }

    fn file(&self, end: &str) -> String {
        fs::read_to_string(format!("{}.{end}", self.agent.display())).unwrap()
    }
}

#[tokio::test]
async fn an_agent_runs_through_a_gateway_that_ends_with_it() {
    let launcher = Launcher::new("codex", AGENT).await;
    let output = launcher.run("127.0.0.1:0", &["exec", "--json", "hello you"]).await;
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert!(launcher.file("response").starts_with("HTTP/1.1 200"), "{}", launcher.file("response"));
    let arguments = launcher.file("arguments");
    assert!(arguments.starts_with("-c\nmodel_provider=\"aibridge\"\n"), "{arguments}");
    assert!(arguments.ends_with("\nexec\n--json\nhello you\n"), "{arguments}");
    assert!(launcher.file("variables").contains("\nAIBRIDGE_AGENT_KEY=aibridge\n"));
    let line = output.stderr.lines().last().unwrap();
    assert!(
        line.starts_with("aibridge: 1 request, ") && line.contains(" output tokens"),
        "{}",
        output.stderr
    );
    assert_eq!(output.stdout, "", "the agent has the output");
}

#[tokio::test]
async fn an_agent_uses_the_gateway_that_runs_already() {
    let launcher = Launcher::new("my-agent", AGENT).await;
    let gateway = launcher.launch.clone().config(fs::read_to_string(launcher.launch.config_path()).unwrap());
    let gateway = gateway.start().await;
    let output = launcher.run(&gateway.address().to_string(), &[]).await;
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let variables = launcher.file("variables");
    for name in ["OPENAI_BASE_URL", "OPENAI_API_BASE"] {
        assert!(variables.contains(&format!("{name}={}/openai/v1\n", gateway.url())), "{variables}");
    }
    assert!(output.stderr.ends_with("output tokens\n"), "{}", output.stderr);
    assert_eq!(RawClient::get(gateway.address(), "/healthz").await.status(), 200, "it stays");
}

/// Sends two requests to the gateway that runs already: one with the header that the launcher gives to Codex, one without.
const TWO_CLIENTS: &str = r#"#!/bin/bash
url=$(printf '%s\n' "$@" | grep -o 'http://[^"]*' | head -1)
run=$(printf '%s\n' "$@" | grep -o '"X-AIBridge-Run"="[^"]*' | grep -o '[^"]*$')
authority=${url#http://}; authority=${authority%%/*}
for header in "X-AIBridge-Run: $run" "X-Other: 1"; do
    exec 3<>"/dev/tcp/${authority%:*}/${authority##*:}"
    printf 'POST /openai/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nUser-Agent: codex_cli_rs/1.0\r\n%s\r\nConnection: close\r\nContent-Length: %s\r\n\r\n%s' \
        "$header" "${#BODY}" "$BODY" >&3
    cat <&3 > /dev/null
done
"#;

#[tokio::test]
async fn the_cost_is_that_of_the_own_run() {
    let launcher = Launcher::new("codex", TWO_CLIENTS).await;
    let gateway = launcher.launch.clone().config(fs::read_to_string(launcher.launch.config_path()).unwrap());
    let gateway = gateway.start().await;
    let output = launcher.run(&gateway.address().to_string(), &[]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.starts_with("aibridge: 1 request, "), "{}", output.stderr);
}

#[tokio::test]
async fn signals_are_passed_and_their_exit_codes_returned() {
    let script = "#!/bin/bash\ntrap 'exit 5' TERM\ntrap 'exit 6' INT\necho ready\nexec 3<> <(:)\nwhile :; do read -r -t 0.1 -u 3 || :; done\n";
    for (signal, code) in [(Signal::TERM, 5), (Signal::INT, 6), (Signal::USR1, 128 + 10)] {
        let launcher = Launcher::new("agent", script).await;
        let mut command = Command::new(env!("CARGO_BIN_EXE_aibridge"));
        let store = format!("sqlite:{}", launcher.launch.store_path().display());
        command.args(["run", "--listen", "127.0.0.1:0", "--store", &store, "--config"]);
        command.arg(launcher.launch.config_path()).arg(&launcher.agent).current_dir(launcher.launch.dir());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = within(lines.next_line(), "the agent to start").await.unwrap();
        assert_eq!(ready.as_deref(), Some("ready"));
        let pid = Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let status = within(child.wait(), "the launcher to exit").await.unwrap();
        assert_eq!(status.code(), Some(code), "{signal:?}");
    }
}

#[tokio::test]
async fn a_failed_launch_is_explained() {
    let launcher = Launcher::new("agent", "#!/bin/bash\n").await;
    let run = async |words: &[&str]| launcher.command(words, "127.0.0.1:0").run().await;
    let missing = run(&["./no-such-agent"]).await;
    assert_eq!(missing.status.code(), Some(1));
    assert!(missing.stderr.contains("cannot start ./no-such-agent"), "{}", missing.stderr);
    let unknown = run(&["--provider", "nobody", "codex"]).await;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        unknown.stderr.contains("there is no provider \"nobody\": name one of openai"),
        "{}",
        unknown.stderr
    );
    let nothing = run(&[]).await;
    assert_eq!(nothing.status.code(), Some(2));

    let with_tokens =
        format!("[auth]\nmode = \"tokens\"\n{}", fs::read_to_string(launcher.launch.config_path()).unwrap());
    fs::write(launcher.launch.config_path(), with_tokens).unwrap();
    let refused = run(&["codex"]).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.stderr.contains("set AIBRIDGE_TOKEN"), "{}", refused.stderr);
}

#[tokio::test]
async fn the_access_token_comes_from_the_environment() {
    let launcher = Launcher::new("claude", "#!/bin/bash\nenv > \"$0.variables\"\n").await;
    let with_tokens =
        format!("[auth]\nmode = \"tokens\"\n{}", fs::read_to_string(launcher.launch.config_path()).unwrap());
    let with_tokens = with_tokens.replace("type = \"openai\"", "type = \"anthropic\"");
    fs::write(launcher.launch.config_path(), with_tokens).unwrap();
    let options = Options::new(launcher.launch.store_path());
    let token = Tokens::open(&options).unwrap().create("ann", None).unwrap().1.expose_secret().to_owned();
    let command = launcher.command(&[launcher.agent.to_str().unwrap()], "127.0.0.1:0");
    let output = command.env("AIBRIDGE_TOKEN", &token).run().await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let variables = launcher.file("variables");
    assert!(variables.contains(&format!("\nANTHROPIC_AUTH_TOKEN={token}\n")), "{variables}");
}

#[tokio::test]
async fn connect_prints_what_to_set() {
    let launcher = Launcher::new("agent", "#!/bin/bash\n").await;
    let connect = launcher.launch.clone().arg("connect").arg("--listen").arg("127.0.0.1:8080");
    let connect = connect.arg("--config").arg(launcher.launch.config_path());
    let output = connect.clone().arg("aider").run().await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        output.stdout,
        "export OPENAI_API_BASE=http://127.0.0.1:8080/openai/v1\nexport OPENAI_API_KEY=aibridge\n\
         export AIDER_SET_ENV='[OPENAI_API_BASE=http://127.0.0.1:8080/openai/v1, OPENAI_API_KEY=aibridge]'\naider\n"
    );
    let output = connect.arg("codex").run().await;
    let settings = "codex -c 'model_provider=\"aibridge\"' -c 'model_providers.aibridge.name=\"aibridge\"'";
    assert!(output.stdout.contains(settings), "{}", output.stdout);
    assert!(!launcher.launch.store_path().exists(), "nothing is started");
}
