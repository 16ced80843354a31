//! The `aibridge` binary: what goes in and out of the process.

use aibridge_config::{Config, Log, LogFormat};
use aibridge_server::cli::{Cli, Command, SettingsArgs};
use aibridge_server::settings::{self, SettingsError};
use aibridge_server::signals::{self, StopSignals};
use aibridge_server::{Server, record_log, server, startup, tokens};
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bad settings or usage; clap uses it too.
const BAD_SETTINGS: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(code) => code,
        Err(error) => {
            print(&mut std::io::stderr(), &format!("aibridge: {error}\n"));
            let is_bad_usage = error.is::<SettingsError>()
                || error.downcast_ref().is_some_and(tokens::TokenError::is_bad_usage);
            if is_bad_usage { ExitCode::from(BAD_SETTINGS) } else { ExitCode::FAILURE }
        }
    }
}

fn run(cli: &Cli) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let config = settings::load(&cli.settings)?;
    match &cli.command {
        Some(Command::Check) => print(&mut std::io::stdout(), &config.to_masked_toml()),
        Some(Command::Token(command)) => {
            let text = tokens::run(command, &server::store_options(&config))?;
            print(&mut std::io::stdout(), &text);
        }
        None | Some(Command::Serve) => return serve(config, &cli.settings),
    }
    Ok(ExitCode::SUCCESS)
}

fn serve(config: Config, args: &SettingsArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let _log_thread = start_log(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(serve_until_told(config, args.clone()));
    runtime.shutdown_background(); // told twice to stop, nothing is waited for
    ended
}

/// The first signal to stop lets open answers end; at the second, the process ends as if it had not handled it.
async fn serve_until_told(
    config: Config,
    args: SettingsArgs,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut signals = StopSignals::listen()?;
    let hangup = signals::hangup()?;
    let server = Server::bind(config, quanta::Clock::new()).await?;
    let mut lines = server.introduction();
    lines.extend(startup::proxies(settings::variables().into_iter()));
    print(&mut std::io::stdout(), &(lines.join("\n") + "\n"));

    let reloading = AbortOnDropHandle::new(tokio::spawn(server.reloader().run(args, hangup)));
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = server.run(async {
        let _ = stopped.await;
    });
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => return Ok(ExitCode::SUCCESS),
        _ = signals.next() => {}
    }
    drop((stop, reloading));
    tokio::select! {
        () = serving => Ok(ExitCode::SUCCESS),
        signal = signals.next() => {
            tracing::warn!("told to stop again: open answers are dropped, and closed as failed at the next start");
            Ok(ExitCode::from(signal.exit_code()))
        }
    }
}

/// Logs to stderr until the guard is dropped.
fn start_log(log: &Log) -> Result<WorkerGuard, Box<dyn std::error::Error>> {
    // A log that nobody reads must not hold up a request: lines beyond the queue are dropped.
    let (writer, guard) = tracing_appender::non_blocking(std::io::stderr());
    let mut filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    if log.records_to_log {
        filter = filter.add_directive(format!("{}=info", record_log::TARGET).parse()?);
    }
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false);
    match log.format {
        LogFormat::Text => subscriber.init(),
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
    Ok(guard)
}

/// Writes to a stream that may be closed: then nobody wants to read it.
fn print(stream: &mut dyn Write, text: &str) {
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
