//! `aibridge prices recompute`: computes recorded costs again at current prices.

mod report;

use crate::args::prices::RecomputeArgs;
use crate::output::print;
use crate::prices::PricesError;
use aibridge_accounting::{NewCost, PastUsage, Repricing, Searches, recorded_usage};
use aibridge_config::Config;
use aibridge_recorder::{CostStatus, UsageCost};
use aibridge_store::{CostUpdate, Costs, RecordedUsage, Records, StoreError, StoreOptions};
use quanta::Instant;
use report::Report;
use std::io::Write;
use std::thread::sleep;

/// Runs `aibridge prices recompute`, and writes the changes to `out`, also if it fails after some of them.
pub(super) fn run(
    args: &RecomputeArgs,
    config: &Config,
    options: StoreOptions,
    out: &mut dyn Write,
) -> Result<(), PricesError> {
    if args.until.is_some_and(|until| until <= args.since) {
        return Err(PricesError::Interval);
    }
    let mut report = Report::new(args);
    let done = recompute(args, &Repricing::new(config), options, &mut report);
    let text = if args.json { report.json()? } else { report.text() };
    print(out, &text)?;
    Ok(done?)
}

/// Reads a page of usages, writes the costs that differ in one transaction, and then pauses for as
/// long as that took, because gateways may be recording.
fn recompute(
    args: &RecomputeArgs,
    repricing: &Repricing,
    options: StoreOptions,
    report: &mut Report,
) -> Result<(), StoreError> {
    let records = Records::open(options.clone())?;
    for note in records.notes() {
        // The result of the command does not depend on standard error.
        let _ = writeln!(std::io::stderr(), "aibridge: note: {note}");
    }
    let mut costs = if args.dry_run { None } else { Some(Costs::open(&options)?) };
    records.recorded_usages(args.since, args.until, |page| {
        let new: Vec<NewCost> = page.iter().map(|row| reprice(repricing, row)).collect();
        let updates: Vec<CostUpdate> =
            page.iter().zip(&new).filter_map(|(row, cost)| update(row, cost)).collect();
        if let Some(costs) = costs.as_mut().filter(|_| !updates.is_empty()) {
            let began = Instant::now();
            costs.update(&updates)?;
            sleep(began.elapsed());
        }
        page.iter().zip(&new).for_each(|(row, cost)| report.add(row, cost));
        Ok(())
    })
}

fn reprice(repricing: &Repricing, row: &RecordedUsage) -> NewCost {
    let usage = recorded_usage(row.tokens, &row.extra_token_types);
    let status = row.cost_status.as_deref().and_then(CostStatus::from_name);
    let charged = UsageCost {
        cost_nano_usd: row.cost_nano_usd,
        cost_status: status.unwrap_or_default(),
        price_id: row.price_id.clone(),
        estimated_input_tokens: row.estimated_tokens[0],
        estimated_output_tokens: row.estimated_tokens[1],
    };
    let [web, file] = row.searches.map(|count| u64::try_from(count).unwrap_or(0));
    repricing.reprice(&PastUsage {
        kind: &row.provider,
        provider: &row.provider_name,
        model: &row.model,
        started_at: row.started_at,
        usage: &usage,
        searches: Searches { web, file },
        charged: &charged,
    })
}

fn update(row: &RecordedUsage, cost: &NewCost) -> Option<CostUpdate> {
    let NewCost::Changed(new) = cost else { return None };
    Some(CostUpdate {
        interception_id: row.interception_id,
        id: row.id,
        cost_nano_usd: new.cost_nano_usd?,
        cost_status: new.cost_status.as_str(),
        price_id: new.price_id.clone(),
    })
}
