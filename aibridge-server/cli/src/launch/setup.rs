//! The variables and arguments of each agent.

use super::target::Route;
use super::{Agent, Target};
use aibridge_client::RUN_HEADER;
use serde_json::{Map, Value, json};

/// The variables and arguments that make an agent use the gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setup {
    /// The environment variables to set.
    pub variables: Vec<(String, String)>,
    /// The arguments that come before those of the user.
    pub arguments: Vec<String>,
}

/// The settings of the user that an agent keeps.
#[derive(Debug, Clone, Copy, Default)]
pub struct UserSetup<'a> {
    /// The value of `OPENCODE_CONFIG_CONTENT`.
    pub opencode_config: Option<&'a str>,
    /// The value of `ANTHROPIC_CUSTOM_HEADERS`.
    pub claude_headers: Option<&'a str>,
    /// Whether `OPENAI_API_KEY` is set.
    pub has_openai_key: bool,
}

/// The header that carries the access token beside the agent's own provider key.
const TOKEN_HEADER: &str = "X-AIBridge-Token";

/// The key for an agent if the gateway needs none: agents refuse to start without a key.
const PLACEHOLDER: &str = "aibridge";

/// The variables from which Codex reads what the gateway needs.
const CODEX_KEY: &str = "AIBRIDGE_AGENT_KEY";
const CODEX_TOKEN: &str = "AIBRIDGE_AGENT_TOKEN";

/// The variable with values that Aider uses instead of those in the `.env` files of the user.
const AIDER_VALUES: &str = "AIDER_SET_ENV";

/// The variable with headers that Claude Code sends, one on each line.
pub const CLAUDE_HEADERS: &str = "ANTHROPIC_CUSTOM_HEADERS";

/// The variable with opencode's configuration, which it merges with that of its files.
pub const OPENCODE_CONFIG: &str = "OPENCODE_CONFIG_CONTENT";

impl Setup {
    /// The setup of `agent` for `target`.
    pub fn new(agent: Agent, target: &Target, user: UserSetup<'_>) -> Self {
        match agent {
            Agent::Codex => codex(target, user.has_openai_key),
            Agent::Claude => claude(target, user.claude_headers),
            Agent::OpenCode => opencode(target, user.opencode_config),
            Agent::Aider => aider(target),
            Agent::Other => sdks(target),
        }
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.to_owned(), value.into()));
    }
}

/// The value that replaces the agent's provider key; `None` if the agent uses its own key.
fn key(target: &Target, route: &Route) -> Option<String> {
    route.is_pooled.then(|| target.token.clone().unwrap_or_else(|| PLACEHOLDER.to_owned()))
}

/// The access token to send in addition to the agent's own provider key.
fn token_beside_key<'a>(target: &'a Target, route: &Route) -> Option<&'a String> {
    target.token.as_ref().filter(|_| !route.is_pooled)
}

/// The headers that the agent has to send, with their values.
fn headers(target: &Target, route: &Route) -> impl Iterator<Item = (&'static str, String)> {
    let token = token_beside_key(target, route).map(|token| (TOKEN_HEADER, token.clone()));
    token.into_iter().chain(target.run.map(|run| (RUN_HEADER, run.to_string())))
}

/// Codex takes a provider as settings on its command line, which hold for this run only. The user's own key is in
/// `OPENAI_API_KEY`, or Codex has it from its log-in.
fn codex(target: &Target, has_openai_key: bool) -> Setup {
    let mut setup = Setup::default();
    let Some(route) = &target.openai else { return setup };
    let url = target.base_url(route);
    let mut settings = vec![
        "model_provider=\"aibridge\"".to_owned(),
        "model_providers.aibridge.name=\"aibridge\"".to_owned(),
        format!("model_providers.aibridge.base_url=\"{url}\""),
        "model_providers.aibridge.wire_api=\"responses\"".to_owned(),
    ];
    match key(target, route) {
        Some(key) => {
            settings.push(format!("model_providers.aibridge.env_key=\"{CODEX_KEY}\""));
            setup.set(CODEX_KEY, key);
        }
        None if has_openai_key => {
            settings.push("model_providers.aibridge.env_key=\"OPENAI_API_KEY\"".to_owned());
        }
        None => settings.push("model_providers.aibridge.requires_openai_auth=true".to_owned()),
    }
    if let Some(token) = token_beside_key(target, route) {
        settings.push(format!(
            "model_providers.aibridge.env_http_headers={{\"{TOKEN_HEADER}\"=\"{CODEX_TOKEN}\"}}"
        ));
        setup.set(CODEX_TOKEN, token);
    }
    if let Some(run) = target.run {
        settings.push(format!("model_providers.aibridge.http_headers={{\"{RUN_HEADER}\"=\"{run}\"}}"));
    }
    setup.arguments = settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect();
    setup
}

/// Claude Code adds `/v1` to its base URL itself. The variables in the settings files of the user replace those of the
/// process, and would lead it past the gateway; settings on the command line replace both. Headers that the user has in the
/// variable are kept; those in a settings file win.
fn claude(target: &Target, own_headers: Option<&str>) -> Setup {
    let mut setup = Setup::default();
    if let Some(route) = &target.anthropic {
        let url = format!("{}/{}", target.url, route.name);
        let settings = json!({ "env": { "ANTHROPIC_BASE_URL": url } });
        setup.arguments = vec!["--settings".to_owned(), settings.to_string()];
        setup.set("ANTHROPIC_BASE_URL", url);
        if let Some(key) = key(target, route) {
            setup.set("ANTHROPIC_AUTH_TOKEN", key);
        }
        let lines = headers(target, route).map(|(name, value)| format!("{name}: {value}"));
        let lines: Vec<String> = own_headers.map(str::to_owned).into_iter().chain(lines).collect();
        if !lines.is_empty() {
            setup.set(CLAUDE_HEADERS, lines.join("\n"));
        }
    }
    setup
}

/// opencode reads a configuration from a variable. The user's own value is kept, except for the providers' options.
fn opencode(target: &Target, existing: Option<&str>) -> Setup {
    let existing: Option<Map<String, Value>> = existing.and_then(|text| serde_json::from_str(text).ok());
    let mut config = existing.unwrap_or_default();
    let providers = config.entry("provider").or_insert_with(|| json!({}));
    for (name, route) in [("openai", &target.openai), ("anthropic", &target.anthropic)] {
        let Some(route) = route else { continue };
        let mut options = json!({ "baseURL": target.base_url(route) });
        if let Some(key) = key(target, route) {
            options["apiKey"] = key.into();
        }
        let old = providers.get(name).and_then(|provider| provider.get("options")).cloned();
        let mut merged = old.and_then(|old| old.as_object().cloned()).unwrap_or_default();
        let mut all = merged.get("headers").and_then(Value::as_object).cloned().unwrap_or_default();
        all.extend(headers(target, route).map(|(name, value)| (name.to_owned(), value.into())));
        if !all.is_empty() {
            options["headers"] = all.into();
        }
        merged.extend(options.as_object().cloned().unwrap_or_default());
        if providers.get(name).is_none_or(|provider| !provider.is_object()) {
            providers[name] = json!({});
        }
        providers[name]["options"] = merged.into();
    }
    let mut setup = Setup::default();
    setup.set(OPENCODE_CONFIG, Value::from(config).to_string());
    setup
}

/// Aider uses LiteLLM, which has names of its own, and adds `/v1/messages` to the base URL of Anthropic. The `.env` files
/// of the user replace variables of the process, but not those in `AIDER_SET_ENV`.
fn aider(target: &Target) -> Setup {
    let mut setup = Setup::default();
    if let Some(route) = &target.openai {
        setup.set("OPENAI_API_BASE", target.base_url(route));
        if let Some(key) = key(target, route) {
            setup.set("OPENAI_API_KEY", key);
        }
    }
    if let Some(route) = &target.anthropic {
        setup.set("ANTHROPIC_API_BASE", format!("{}/{}", target.url, route.name));
        if let Some(key) = key(target, route) {
            setup.set("ANTHROPIC_API_KEY", key);
        }
    }
    let values: Vec<String> = setup.variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !values.is_empty() {
        setup.set(AIDER_VALUES, format!("[{}]", values.join(", ")));
    }
    setup
}

/// The variables that the official SDKs read, and `OPENAI_API_BASE`, which older programs read.
fn sdks(target: &Target) -> Setup {
    let mut setup = Setup::default();
    if let Some(route) = &target.openai {
        for name in ["OPENAI_BASE_URL", "OPENAI_API_BASE"] {
            setup.set(name, target.base_url(route));
        }
        if let Some(key) = key(target, route) {
            setup.set("OPENAI_API_KEY", key);
        }
    }
    if let Some(route) = &target.anthropic {
        setup.set("ANTHROPIC_BASE_URL", format!("{}/{}", target.url, route.name));
        if let Some(key) = key(target, route) {
            setup.set("ANTHROPIC_API_KEY", key);
        }
    }
    setup
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn target(is_pooled: bool, token: Option<&str>) -> Target {
        let route = |name: &str| Some(Route { name: name.to_owned(), is_pooled });
        Target {
            url: "http://127.0.0.1:8080".to_owned(),
            token: token.map(str::to_owned),
            run: None,
            openai: route("openai"),
            anthropic: route("anthropic"),
        }
    }

    fn variables(setup: &Setup) -> Vec<(&str, &str)> {
        setup.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    #[test]
    fn claude_gets_the_gateway_and_a_credential() {
        let url = ("ANTHROPIC_BASE_URL", "http://127.0.0.1:8080/anthropic");
        let table: [(bool, Option<&str>, &[(&str, &str)]); 4] = [
            (true, None, &[url, ("ANTHROPIC_AUTH_TOKEN", "aibridge")]),
            (true, Some("aib_1"), &[url, ("ANTHROPIC_AUTH_TOKEN", "aib_1")]),
            (false, None, &[url]),
            (false, Some("aib_1"), &[url, ("ANTHROPIC_CUSTOM_HEADERS", "X-AIBridge-Token: aib_1")]),
        ];
        for (is_pooled, token, expected) in table {
            let setup = Setup::new(Agent::Claude, &target(is_pooled, token), UserSetup::default());
            assert_eq!(variables(&setup), expected);
            let settings = r#"{"env":{"ANTHROPIC_BASE_URL":"http://127.0.0.1:8080/anthropic"}}"#;
            assert_eq!(setup.arguments, ["--settings", settings]);
        }
    }

    #[test]
    fn codex_gets_a_provider_on_its_command_line() {
        let setup = Setup::new(Agent::Codex, &target(true, Some("aib_1")), UserSetup::default());
        assert_eq!(variables(&setup), [("AIBRIDGE_AGENT_KEY", "aib_1")]);
        let settings: Vec<&str> = setup.arguments.iter().skip(1).step_by(2).map(String::as_str).collect();
        assert_eq!(
            settings,
            [
                "model_provider=\"aibridge\"",
                "model_providers.aibridge.name=\"aibridge\"",
                "model_providers.aibridge.base_url=\"http://127.0.0.1:8080/openai/v1\"",
                "model_providers.aibridge.wire_api=\"responses\"",
                "model_providers.aibridge.env_key=\"AIBRIDGE_AGENT_KEY\"",
            ]
        );
        assert!(setup.arguments.iter().step_by(2).all(|flag| flag == "-c"));
        let user = UserSetup { has_openai_key: true, ..UserSetup::default() };
        let own = Setup::new(Agent::Codex, &target(false, Some("aib_1")), user);
        assert_eq!(variables(&own), [("AIBRIDGE_AGENT_TOKEN", "aib_1")]);
        assert!(own.arguments.contains(&"model_providers.aibridge.env_key=\"OPENAI_API_KEY\"".to_owned()));
        assert!(own.arguments.last().is_some_and(|last| last.contains("X-AIBridge-Token")));
        let logged_in = Setup::new(Agent::Codex, &target(false, None), UserSetup::default());
        let last = logged_in.arguments.last().map(String::as_str);
        assert_eq!(last, Some("model_providers.aibridge.requires_openai_auth=true"));
    }

    #[test]
    fn opencode_keeps_what_the_user_configured() {
        let existing =
            r#"{"theme":"dark","provider":{"openai":{"models":{"m":{}},"options":{"timeout":9}}}}"#;
        let of = |config| UserSetup { opencode_config: Some(config), ..UserSetup::default() };
        let setup = Setup::new(Agent::OpenCode, &target(true, None), of(existing));
        let config: Value = serde_json::from_str(&setup.variables[0].1).expect("JSON");
        assert_eq!(
            config,
            json!({
                "theme": "dark",
                "provider": {
                    "openai": {
                        "models": {"m": {}},
                        "options": {
                            "timeout": 9, "baseURL": "http://127.0.0.1:8080/openai/v1", "apiKey": "aibridge",
                        },
                    },
                    "anthropic": {
                        "options": {"baseURL": "http://127.0.0.1:8080/anthropic/v1", "apiKey": "aibridge"},
                    },
                },
            })
        );
        let broken = Setup::new(Agent::OpenCode, &target(true, None), of("{"));
        assert!(broken.variables[0].1.contains("baseURL"));
    }

    #[test]
    fn agents_send_the_id_of_the_run_and_the_headers_of_the_user() {
        let target = target(false, Some("aib_1")).of_run(Uuid::nil());
        let run = "X-AIBridge-Run: 00000000-0000-0000-0000-000000000000";
        let user = UserSetup { claude_headers: Some("X-Own: 1"), ..UserSetup::default() };
        let claude = Setup::new(Agent::Claude, &target, user);
        let all = format!("X-Own: 1\nX-AIBridge-Token: aib_1\n{run}");
        assert_eq!(claude.variables.last(), Some(&("ANTHROPIC_CUSTOM_HEADERS".to_owned(), all)));
        let codex = Setup::new(Agent::Codex, &target, UserSetup::default());
        let header = "model_providers.aibridge.http_headers={\"X-AIBridge-Run\"=\"00000000-0000-0000-0000-000000000000\"}";
        assert_eq!(codex.arguments.last().map(String::as_str), Some(header));
        let own = r#"{"provider":{"openai":{"options":{"headers":{"X-Own":"1"}}}}}"#;
        let user = UserSetup { opencode_config: Some(own), ..UserSetup::default() };
        let opencode = Setup::new(Agent::OpenCode, &target, user);
        let config: Value = serde_json::from_str(&opencode.variables[0].1).expect("JSON");
        let id = Uuid::nil().to_string();
        assert_eq!(
            config["provider"]["openai"]["options"]["headers"],
            json!({"X-Own": "1", "X-AIBridge-Token": "aib_1", "X-AIBridge-Run": id})
        );
    }

    #[test]
    fn other_programs_get_the_variables_of_sdks() {
        let setup = Setup::new(Agent::Other, &target(true, None), UserSetup::default());
        let names: Vec<&str> = variables(&setup).iter().map(|(name, _)| *name).collect();
        let expected = [
            "OPENAI_BASE_URL",
            "OPENAI_API_BASE",
            "OPENAI_API_KEY",
            "ANTHROPIC_BASE_URL",
            "ANTHROPIC_API_KEY",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn aider_gets_its_variables_twice() {
        let setup = Setup::new(Agent::Aider, &target(false, None), UserSetup::default());
        let (openai, anthropic) = ("http://127.0.0.1:8080/openai/v1", "http://127.0.0.1:8080/anthropic");
        let all = format!("[OPENAI_API_BASE={openai}, ANTHROPIC_API_BASE={anthropic}]");
        assert_eq!(
            variables(&setup),
            [("OPENAI_API_BASE", openai), ("ANTHROPIC_API_BASE", anthropic), ("AIDER_SET_ENV", all.as_str())]
        );
    }
}
