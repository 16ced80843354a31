//! The `aibridge` binary: runs a command and exits.

use aibridge_cli::args::{Cli, Command, SettingsArgs};
use aibridge_cli::launch::{self, Agent, LaunchError, Setup, Target, UserSetup};
use aibridge_cli::output::print;
use aibridge_cli::{budgets, health, prices, records, tokens};
use aibridge_config::Config;
use aibridge_listen::certificate;
use aibridge_server::run::{RunError, UserEnvironment};
use aibridge_server::settings::{self, SettingsError, SettingsSource};
use aibridge_server::signals::{self, StopSignals};
use aibridge_server::store_options::store_options;
use aibridge_server::{Server, spending, startup};
use aibridge_telemetry::{Traces, log};
use clap::Parser;
use secrecy::SecretString;
use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit code for invalid settings or usage, the same as that of clap.
const BAD_USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(code) => code,
        Err(error) => {
            write(&mut std::io::stderr(), &format!("aibridge: {error}\n"));
            let is_bad_usage = error.is::<SettingsError>()
                || error.is::<LaunchError>()
                || error.downcast_ref().is_some_and(RunError::is_bad_usage)
                || error.downcast_ref().is_some_and(prices::PricesError::is_bad_usage)
                || error.downcast_ref().is_some_and(records::RecordsError::is_bad_usage)
                || error.downcast_ref().is_some_and(tokens::TokenError::is_bad_usage);
            if is_bad_usage { ExitCode::from(BAD_USAGE) } else { ExitCode::FAILURE }
        }
    }
}

fn run(cli: &Cli) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let config = settings::load(&cli.settings)?;
    match &cli.command {
        Some(Command::Check) => {
            let warning = config.tls.as_ref().and_then(certificate::warning);
            if let Some(warning) = warning {
                write(&mut std::io::stderr(), &format!("aibridge: warning: {warning}\n"));
            }
            for problem in aibridge_store::problems(&store_options(&config)) {
                write(&mut std::io::stderr(), &format!("aibridge: warning: {problem}\n"));
            }
            for problem in aibridge_accounting::price_warnings(&config) {
                write(&mut std::io::stderr(), &format!("aibridge: warning: {problem}\n"));
            }
            print(&mut std::io::stdout(), &config.to_masked_toml())?;
        }
        Some(Command::Health) => health::check(&config)?,
        Some(Command::Token(command)) => {
            tokens::run(command, store_options(&config), &mut std::io::stdout())?;
        }
        Some(Command::Interceptions(command)) => {
            records::interceptions(command, store_options(&config), &mut std::io::stdout())?;
        }
        Some(Command::Usage(args)) => {
            let zone = config.budgets.time_zone.clone();
            records::usage(args, store_options(&config), zone, &mut std::io::stdout())?;
        }
        Some(Command::Sessions(args)) => {
            records::sessions(args, store_options(&config), &mut std::io::stdout())?;
        }
        Some(Command::Prices(command)) => {
            prices::run(command, &config, store_options(&config), &mut std::io::stdout())?;
        }
        Some(Command::Budgets(command)) => {
            let token = variable(aibridge_config::TOKEN_VARIABLE).map(SecretString::from);
            let from_records = || spending::of_records(&config);
            budgets::run(command, &config, token.as_ref(), from_records, &mut std::io::stdout())?;
        }
        Some(Command::Export(args)) => records::export(args, store_options(&config))?,
        Some(Command::Connect { provider, agent }) => {
            let agent = Agent::of_program(agent);
            let url =
                format!("{}://{}", if config.tls.is_some() { "https" } else { "http" }, config.server.listen);
            let target = Target::new(&config, agent, provider.as_deref(), url)?.with_token_variable(&config);
            let has_openai_key = variable(aibridge_server::run::OPENAI_KEY_VARIABLE).is_some();
            let setup = Setup::new(agent, &target, UserSetup { has_openai_key, ..UserSetup::default() });
            launch::connect(agent, &setup, target.token.is_some(), &mut std::io::stdout())?;
        }
        Some(Command::Run { provider, command }) => return run_agent(config, provider.as_deref(), command),
        None | Some(Command::Serve) => return serve(config, &cli.settings),
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs an agent. The log of a gateway that starts for it is not shown, because the agent has the terminal.
fn run_agent(
    config: Config,
    provider: Option<&str>,
    command: &[OsString],
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let environment = UserEnvironment {
        token: variable(aibridge_config::TOKEN_VARIABLE),
        claude_headers: variable(launch::CLAUDE_HEADERS),
        opencode_config: variable(launch::OPENCODE_CONFIG),
        has_openai_key: variable(aibridge_server::run::OPENAI_KEY_VARIABLE).is_some(),
    };
    let ended = runtime.block_on(aibridge_server::run::run(config, provider, command, environment));
    runtime.shutdown_background();
    let (code, cost) = ended?;
    write(&mut std::io::stderr(), &(cost + "\n"));
    Ok(ExitCode::from(code))
}

/// The value of an environment variable, unless it is empty.
fn variable(name: &str) -> Option<String> {
    let mut variables = settings::variables().into_iter();
    variables.find(|(found, value)| found == name && !value.is_empty()).map(|(_, value)| value)
}

fn serve(config: Config, args: &SettingsArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let traces = config.telemetry.as_ref().map(|telemetry| Traces::start(telemetry, runtime.handle()));
    let traces = traces.transpose()?;
    let _log_thread = log::start(&config.log, traces.as_ref())?;
    config.telemetry.iter().for_each(aibridge_telemetry::warn_about_ignored);
    let ended = runtime.block_on(serve_until_signal(config, args.clone(), traces));
    runtime.shutdown_background(); // after a second signal, tasks are not awaited
    ended
}

/// Serves until the first signal, then waits for open responses. At the second signal it returns the exit code that the
/// signal would have without a handler.
async fn serve_until_signal(
    config: Config,
    args: SettingsArgs,
    traces: Option<Traces>,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut signals = StopSignals::listen()?;
    let hangup = signals::hangup()?;
    let source = SettingsSource::new(args); // before clients can connect, and settings change
    let server = Server::bind(config, quanta::Clock::new()).await?;
    let mut lines = server.introduction();
    lines.extend(startup::proxies(settings::variables().into_iter()));
    write(&mut std::io::stdout(), &(lines.join("\n") + "\n"));

    let reloading = AbortOnDropHandle::new(tokio::spawn(server.reloader().run(source, hangup)));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = async {
        server.run(async { drop(stopped.await) }).await;
        if let Some(traces) = traces {
            traces.finish().await;
        }
    };
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => return Ok(ExitCode::SUCCESS),
        _ = signals.next() => {}
    }
    drop((stop, reloading));
    tokio::select! {
        () = serving => Ok(ExitCode::SUCCESS),
        signal = signals.next() => {
            tracing::warn!("stopping at once after a second signal: open responses are cut, and recorded as failed at the next start");
            Ok(ExitCode::from(signal.exit_code()))
        }
    }
}

/// Writes text that is not the result of a command. Ignores errors, because the stream may be closed.
fn write(stream: &mut dyn Write, text: &str) {
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
