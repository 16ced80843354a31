//! Loads the settings: reads the layers, merges them, and resolves each section.

use crate::layer::{self, Layer};
use crate::raw::Raw;
use crate::shape;
use crate::{Config, ConfigError, Environment, Problem, Sources};
use aibridge_provider_section as provider;
use aibridge_sections::{
    admin, auth, budgets, exposure, limits, log, metrics, prices, server, store, telemetry, tls,
};
use aibridge_values::report::Report;
use aibridge_values::secret::Secret;
use figment::Figment;

/// Loads and validates the settings.
///
/// If no source configures a provider, the settings have one called `openai`, with `OPENAI_API_KEY` and
/// `OPENAI_BASE_URL` if they are set and not empty, and one called `anthropic`, with `ANTHROPIC_API_KEY` and
/// `ANTHROPIC_BASE_URL`. Configured providers do not use these variables.
///
/// # Errors
///
/// A [`ConfigError`] with all problems.
pub fn load(sources: &Sources, environment: &dyn Environment) -> Result<Config, ConfigError> {
    let mut problems = Vec::new();
    let layers = read(sources, environment, &mut problems);
    let mut figment = layers
        .into_iter()
        .map(|layer| shape::check(layer, &mut problems))
        .fold(Figment::new(), |figment, layer| figment.merge(layer));
    if !configures_a_provider(&figment) && !problems.iter().any(may_hide_a_provider) {
        figment = figment.merge(layer::fallback_providers(environment));
    }
    let mut report = Report::new(&figment, problems);
    let config = resolve(&figment, environment, &mut report);
    match (config, report.finish()) {
        (Some(config), problems) if problems.is_empty() => Ok(config),
        (_, problems) => Err(ConfigError { problems }),
    }
}

/// Reads the layers, in order of increasing precedence.
fn read(sources: &Sources, environment: &dyn Environment, problems: &mut Vec<Problem>) -> Vec<Layer> {
    let telemetry = layer::from_telemetry_variables(environment);
    let file = sources.file.as_ref().map(|(path, text)| layer::from_file(path, text));
    let file = file.and_then(|file| file.map_err(|problem| problems.push(problem)).ok());
    let environment = layer::from_environment(&sources.env, problems);
    telemetry.chain(file).chain(environment).chain(layer::from_flags(&sources.flags)).collect()
}

fn configures_a_provider(figment: &Figment) -> bool {
    let providers = figment.find_value("provider").ok();
    providers.and_then(|providers| providers.into_array()).is_some_and(|providers| !providers.is_empty())
}

/// Whether `problem` may have removed a configured provider.
fn may_hide_a_provider(problem: &Problem) -> bool {
    problem.setting.as_deref().is_none_or(|setting| setting.starts_with("provider"))
}

/// Resolves each section. `None` only if there is a problem.
fn resolve(figment: &Figment, environment: &dyn Environment, report: &mut Report<'_>) -> Option<Config> {
    // Every layer has the right shape, so their merged result does too.
    let raw = figment.extract::<Raw<Secret>>().map_err(|error| error.kind.to_string());
    let raw = report.keep("settings", raw)?;

    let server = server::resolve(&raw.server, report);
    let admin = admin::resolve(&raw.admin, report);
    let auth = auth::resolve(&raw.auth, report);
    if let (Some(server), Some(auth)) = (&server, &auth) {
        exposure::reject_exposure(server, admin.as_ref(), auth, report);
        exposure::reject_any_origin(server, auth, report);
    }
    if let (Some(server), Some(admin)) = (&server, &admin) {
        exposure::reject_collision(admin, server, report);
    }
    let tls = tls::resolve(&raw.tls, environment, report);
    let limits = limits::resolve(&raw.limits, report);
    let budgets = budgets::resolve(&raw.budgets, &raw.budget, report);
    let prices = prices::resolve(&raw.prices, environment, report);
    let store = store::resolve(&raw.store, report);
    let telemetry = telemetry::resolve(&raw.telemetry, environment, report);
    let log = log::resolve(&raw.log, report);
    let providers = provider::resolve(raw.provider, environment, report);
    Some(Config {
        server: server?,
        tls: tls?,
        admin: admin?,
        auth: auth?,
        limits: limits?,
        budgets: budgets?,
        prices: prices?,
        store: store?,
        metrics: metrics::resolve(&raw.metrics),
        telemetry: telemetry?,
        log: log?,
        providers: providers?,
    })
}

#[cfg(test)]
mod tests;
