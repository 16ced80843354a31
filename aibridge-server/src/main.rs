//! The `aibridge` binary: what goes in and out of the process.

use aibridge_config::Config;
use aibridge_server::cli::{Cli, Command, SettingsArgs, health};
use aibridge_server::print::print;
use aibridge_server::settings::{self, Again, SettingsError};
use aibridge_server::signals::{self, StopSignals};
use aibridge_server::store_options::store_options;
use aibridge_server::telemetry::Traces;
use aibridge_server::{Server, log, records, startup, tls, tokens};
use clap::Parser;
use std::io::Write;
use std::process::ExitCode;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bad settings or usage; clap uses it too.
const BAD_SETTINGS: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(code) => code,
        Err(error) => {
            tell(&mut std::io::stderr(), &format!("aibridge: {error}\n"));
            let is_bad_usage = error.is::<SettingsError>()
                || error.downcast_ref().is_some_and(tokens::TokenError::is_bad_usage);
            if is_bad_usage { ExitCode::from(BAD_SETTINGS) } else { ExitCode::FAILURE }
        }
    }
}

fn run(cli: &Cli) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let config = settings::load(&cli.settings)?;
    match &cli.command {
        Some(Command::Check) => {
            let warning = config.tls.as_ref().and_then(tls::warning);
            if let Some(warning) = warning {
                tell(&mut std::io::stderr(), &format!("aibridge: warning: {warning}\n"));
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
            records::usage(args, store_options(&config), &mut std::io::stdout())?;
        }
        Some(Command::Sessions(args)) => {
            records::sessions(args, store_options(&config), &mut std::io::stdout())?;
        }
        Some(Command::Export(args)) => records::export(args, store_options(&config))?,
        None | Some(Command::Serve) => return serve(config, &cli.settings),
    }
    Ok(ExitCode::SUCCESS)
}

fn serve(config: Config, args: &SettingsArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let traces = config.telemetry.as_ref().map(|telemetry| Traces::start(telemetry, runtime.handle()));
    let traces = traces.transpose()?;
    let _log_thread = log::start(&config.log, traces.as_ref())?;
    let ended = runtime.block_on(serve_until_told(config, args.clone(), traces));
    runtime.shutdown_background(); // told twice to stop, nothing is waited for
    ended
}

/// The first signal to stop lets open answers end; at the second, the process ends as if it had not handled it.
async fn serve_until_told(
    config: Config,
    args: SettingsArgs,
    traces: Option<Traces>,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut signals = StopSignals::listen()?;
    let hangup = signals::hangup()?;
    let source = Again::new(args); // before anybody knows that it serves, and changes the settings
    let server = Server::bind(config, quanta::Clock::new()).await?;
    let mut lines = server.introduction();
    lines.extend(startup::proxies(settings::variables().into_iter()));
    tell(&mut std::io::stdout(), &(lines.join("\n") + "\n"));

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
            tracing::warn!("told to stop again: open answers are dropped, and closed as failed at the next start");
            Ok(ExitCode::from(signal.exit_code()))
        }
    }
}

/// Writes what is no result of a command, to a stream that may be closed: then nobody wants to read it.
fn tell(stream: &mut dyn Write, text: &str) {
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
