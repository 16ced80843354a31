//! Invalid settings: the real binary refuses to start and prints advice.

use aibridge_testkit::{Launch, ProcessOutput};

mod layers;
mod startup;

fn aibridge() -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_aibridge"))
}

/// Runs the binary with the arguments `words` and the settings file `settings`.
async fn run(settings: &str, words: &[&str]) -> ProcessOutput {
    words.iter().fold(aibridge().config(settings), |launch, word| launch.arg(*word)).run().await
}

/// Checks for exit code 2 and an empty stdout, and returns the problems on stderr, one per line.
fn problems(ended: &ProcessOutput, about: &str) -> Vec<String> {
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(2), ""), "{about}: {ended:?}");
    let text = ended.stderr.strip_prefix("aibridge: ").unwrap_or_else(|| panic!("{about}: {ended:?}"));
    text.lines().map(str::to_owned).collect()
}

/// Invalid settings, the setting that the message names, and a part of its advice.
const SETTINGS: [(&str, &str, &str); 51] = [
    // Names and types
    ("listen = \"127.0.0.1:0\"", "listen", "the settings here are"),
    ("[server]\nlistn = \"127.0.0.1:0\"", "server.listn", "listen"),
    ("[auth]\ntokens = true", "auth.tokens", "mode"),
    ("[store]\npath = \"x\"", "store.path", "url"),
    ("[cache]\nsize = 1", "cache", "the settings here are"),
    ("[server]\nlisten = 8080", "server.listen", "write a string in quotes"),
    ("[server]\ninsecure = \"yes\"", "server.insecure", "write true or false"),
    ("server = 1", "server", "write a table"),
    ("[provider]\ntype = \"openai\"", "provider", "[[provider]]"),
    // Server
    ("[server]\nlisten = \"8080\"", "server.listen", "127.0.0.1:8080"),
    ("[server]\nlisten = \"127.0.0.1\"", "server.listen", "127.0.0.1:8080"),
    ("[server]\nlisten = \"127.0.0.1:99999\"", "server.listen", "127.0.0.1:8080"),
    ("[server]\nlisten = \"0.0.0.0:0\"", "server.listen", "server.insecure = true"),
    ("[server]\nlisten = \"[::]:0\"", "server.listen", "server.insecure = true"),
    ("[server]\nmax_body_bytes = \"64 apples\"", "server.max_body_bytes", "64MiB"),
    ("[server]\nmax_body_bytes = 0", "server.max_body_bytes", "64MiB"),
    ("[server]\nmax_body_bytes = -1", "server.max_body_bytes", "64MiB"),
    ("[server]\nshutdown_grace = 30", "server.shutdown_grace", "30s"),
    ("[server]\nshutdown_grace = \"soon\"", "server.shutdown_grace", "10s"),
    // Authentication and store
    ("[auth]\nmode = \"token\"", "auth.mode", "\"tokens\""),
    ("[auth]\nbyok = \"false\"", "auth.byok", "without quotes"),
    ("[store]\nurl = \"aibridge.db\"", "store.url", "sqlite:"),
    ("[store]\nurl = \"mysql://host/db\"", "store.url", "sqlite:"),
    ("[store]\nurl = \"sqlite:\"", "store.url", "sqlite:aibridge.db"),
    ("[store]\ndurability = \"disk\"", "store.durability", "\"power\""),
    // Providers
    ("[[provider]]\nname = \"x\"", "provider[0].type", "type = \"openai\""),
    ("[[provider]]\ntype = \"acme\"", "provider[0].type", "\"openai\""),
    ("[[provider]]\ntype = \"openai\"\nkey = \"sk-1\"", "provider[0].key", "keys"),
    ("[[provider]]\ntype = \"openai\"\n[[provider]]\ntype = \"openai\"", "provider[1].name", "openai-2"),
    ("[[provider]]\ntype = \"openai\"\nname = \"Open\"", "provider[0].name", "lower-case"),
    ("[[provider]]\ntype = \"openai\"\nname = \"a_b\"", "provider[0].name", "lower-case"),
    ("[[provider]]\ntype = \"openai\"\nname = \"a/b\"", "provider[0].name", "lower-case"),
    ("[[provider]]\ntype = \"openai\"\nname = \"-a\"", "provider[0].name", "lower-case"),
    ("[[provider]]\ntype = \"openai\"\nname = \"\"", "provider[0].name", "write"),
    ("[[provider]]\ntype = \"openai\"\nbase_url = \"ftp://x/\"", "provider[0].base_url", "\"https\""),
    ("[[provider]]\ntype = \"openai\"\nbase_url = \"api.openai.com/v1\"", "provider[0].base_url", "https://"),
    ("[[provider]]\ntype = \"openai\"\nbase_url = \"https://x/v1?a=b\"", "provider[0].base_url", "query"),
    ("[[provider]]\ntype = \"openai\"\nbase_url = \"https://x/v1#a\"", "provider[0].base_url", "fragment"),
    ("[[provider]]\ntype = \"openai\"\nbase_url = \"https://u:hunter2@x/\"", "provider[0].base_url", "write"),
    ("[[provider]]\ntype = \"openai\"\nkeys = \"hunter2\"", "provider[0].keys", "list in brackets"),
    ("[[provider]]\ntype = \"openai\"\nkeys = [\"\"]", "provider[0].keys[0]", "remove the entry"),
    (
        "[[provider]]\ntype = \"openai\"\nkeys = [\"hunter2\", \"hunter2\"]",
        "provider[0].keys[1]",
        "remove one",
    ),
    ("[[provider]]\ntype = \"openai\"\nkeys = [\"hunter2 x\"]", "provider[0].keys[0]", "write"),
    ("[[provider]]\ntype = \"openai\"\nkeys = [\"env:UNSET\"]", "provider[0].keys[0]", "UNSET"),
    ("[[provider]]\ntype = \"openai\"\nkeys = [\"env:EMPTY\"]", "provider[0].keys[0]", "EMPTY"),
    ("[[provider]]\ntype = \"openai\"\nkeys = [\"file:no/such\"]", "provider[0].keys[0]", "no/such"),
    (
        "[[provider]]\ntype = \"openai\"\nextra_headers = { \"a b\" = \"x\" }",
        "provider[0].extra_headers.a b",
        "write",
    ),
    (
        "[[provider]]\ntype = \"openai\"\nextra_headers = { Host = \"x\" }",
        "provider[0].extra_headers.Host",
        "remove it",
    ),
    (
        "[[provider]]\ntype = \"openai\"\nextra_headers = { A = \"hunter2\\n\" }",
        "provider[0].extra_headers.A",
        "write",
    ),
    ("[[provider]]\ntype = \"openai\"\nconnect_timeout = \"0s\"", "provider[0].connect_timeout", "longer"),
    (
        "[[provider]]\ntype = \"openai\"\nsend_actor_headers = 1",
        "provider[0].send_actor_headers",
        "true or false",
    ),
];

#[tokio::test]
async fn a_bad_setting_is_refused_with_the_file_its_name_and_advice() {
    for (settings, named, instead) in SETTINGS {
        let ended = aibridge().config(settings).env("EMPTY", "").arg("check").run().await;
        let problems = problems(&ended, settings);
        let [problem] = &problems[..] else { panic!("{settings}: {problems:?}") };
        assert!(problem.starts_with(&format!("aibridge.toml: {named}: ")), "{settings}: {problem}");
        let output = &problem[named.len()..];
        assert!(output.contains(instead), "{settings}: {problem}");
        assert!(!problem.contains("hunter2"), "{settings}: {problem}");
    }
}

#[tokio::test]
async fn reserved_provider_names_are_refused() {
    for name in ["api", "healthz", "readyz", "metrics", "dashboard"] {
        let settings = format!("[[provider]]\ntype = \"openai\"\nname = \"{name}\"");
        let problems = problems(&run(&settings, &["check"]).await, name);
        assert!(
            problems[0].starts_with(&format!("aibridge.toml: provider[0].name: \"{name}\"")),
            "{problems:?}"
        );
    }
    let good = "[[provider]]\ntype = \"openai\"\nname = \"0-a-9\"";
    assert_eq!(run(good, &["check"]).await.status.code(), Some(0));
}

#[tokio::test]
async fn all_problems_are_reported_at_once() {
    let settings = "[server]\nlisten = \"x\"\ncolour = 1\n[auth]\nmode = \"x\"\n[[provider]]\ntype = \"openai\"\nname = \"X\"\nkeys = [\"env:UNSET\", \"a\", \"a\"]\n";
    let launch = aibridge().config(settings).env("AIBRIDGE_STORE__DURABILITY", "x");
    let problems = problems(&launch.arg("check").run().await, "all");
    let mut places: Vec<_> =
        problems.iter().map(|problem| problem.split(": ").take(2).collect::<Vec<_>>().join(" ")).collect();
    places.sort();
    assert_eq!(
        places,
        [
            "AIBRIDGE_STORE__DURABILITY store.durability",
            "aibridge.toml auth.mode",
            "aibridge.toml provider[0].keys[0]",
            "aibridge.toml provider[0].keys[2]",
            "aibridge.toml provider[0].name",
            "aibridge.toml server.colour",
            "aibridge.toml server.listen",
        ]
    );
}

#[tokio::test]
async fn a_wrong_value_does_not_hide_a_public_address() {
    let settings = "[server]\nlisten = \"0.0.0.0:80\"\nmax_body_bytes = 0\nallowed_hosts = [\"http://x\"]\n";
    let problems = problems(&aibridge().config(settings).arg("check").run().await, "all");
    let named = |setting: &str| problems.iter().any(|problem| problem.contains(setting));
    assert!(
        ["server.listen", "server.max_body_bytes", "server.allowed_hosts"].into_iter().all(named),
        "{problems:?}"
    );
}

#[tokio::test]
async fn every_command_refuses_bad_settings_without_side_effects() {
    let table: [&[&str]; 6] = [
        &[],
        &["serve"],
        &["check"],
        &["token", "list"],
        &["token", "create", "--user", "ann"],
        &["token", "revoke", "01890000-0000-7000-8000-000000000000"],
    ];
    for words in table {
        let launch =
            words.iter().fold(aibridge().config("[auth]\nmode = 1"), |launch, word| launch.arg(*word));
        let problems = problems(&launch.run().await, &format!("{words:?}"));
        assert!(problems[0].starts_with("aibridge.toml: auth.mode: "), "{problems:?}");
        let files: Vec<_> =
            std::fs::read_dir(launch.dir()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(files, ["aibridge.toml"], "{words:?}: no store was made");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named() {
    for (file, about) in [("no-such.toml", "missing"), (".", "a directory"), ("aibridge.toml", "no TOML")] {
        let problems = problems(&run("[server\nlisten", &["check", "--config", file]).await, about);
        assert!(problems[0].contains(file), "{problems:?}");
    }
}

#[tokio::test]
async fn bad_usage_exits_with_code_2_and_a_message() {
    let table: [(&[&str], i32, &str); 8] = [
        (&["--no-such-flag"], 2, "--no-such-flag"),
        (&["burn"], 2, "burn"),
        (&["check", "now"], 2, "now"),
        (&["--listen"], 2, "--listen"),
        (&["token"], 2, "create"),
        (&["--listen", "nowhere", "check"], 2, "--listen: server.listen: "),
        (&["--store", "nowhere", "check"], 2, "--store: store.url: "),
        (&["serve", "--config", "no-such.toml"], 2, "no-such.toml"),
    ];
    for (words, code, message) in table {
        let ended = run("", words).await;
        assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(code), ""), "{words:?}: {ended:?}");
        assert!(ended.stderr.contains(message), "{words:?}: {}", ended.stderr);
    }
    for word in ["--help", "--version", "help"] {
        let ended = run("[server]\nlisten = 1", &[word]).await;
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""), "{word}");
        assert!(ended.stdout.contains("aibridge"), "{word}");
    }
}
