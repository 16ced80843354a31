//! `[[budget]]`: the budgets.

use super::amount;
use aibridge_budgets::{Budget, Period, Scope};
use aibridge_values::choice::choice;
use aibridge_values::report::Report;
use serde::{Deserialize, Serialize};

/// The longest name of a user, group, key, model or provider, in bytes.
const MAX_NAME_BYTES: usize = 512;

/// The mirror of `[[budget]]`.
#[derive(Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct RawBudget {
    scope: Option<String>,
    r#match: String,
    amount: String,
    period: String,
    shared: bool,
}

impl Default for RawBudget {
    fn default() -> Self {
        Self {
            scope: None,
            r#match: "*".into(),
            amount: String::new(),
            period: Period::Month.as_str().into(),
            shared: false,
        }
    }
}

impl From<&Budget> for RawBudget {
    fn from(budget: &Budget) -> Self {
        Self {
            scope: Some(budget.scope.as_str().into()),
            r#match: budget.name.clone(),
            amount: budget.amount.map(amount::format).unwrap_or_default(),
            period: budget.period.as_str().into(),
            shared: budget.shared,
        }
    }
}

/// Validates all budgets. `None` if one of them has a problem.
pub(super) fn resolve(list: &[RawBudget], report: &mut Report<'_>) -> Option<Vec<Budget>> {
    let mut budgets: Vec<Option<Budget>> = Vec::with_capacity(list.len());
    for (index, raw) in list.iter().enumerate() {
        let at = format!("budget[{index}]");
        let budget = resolve_one(raw, &at, report);
        let is_same = |other: &Budget, budget: &Budget| {
            (other.scope, &other.name, other.period) == (budget.scope, &budget.name, budget.period)
        };
        let same = budget.as_ref().and_then(|budget| {
            budgets.iter().position(|other| other.as_ref().is_some_and(|other| is_same(other, budget)))
        });
        if let Some(same) = same {
            report.problem(
                &at,
                format!("has the scope, match and period of budget[{same}]; remove one of them"),
            );
        }
        budgets.push(budget.filter(|_| same.is_none()));
    }
    budgets.into_iter().collect()
}

fn resolve_one(raw: &RawBudget, at: &str, report: &mut Report<'_>) -> Option<Budget> {
    let scope = match &raw.scope {
        Some(scope) => choice(scope, &Scope::ALL, Scope::as_str),
        None => Err("is missing; write scope = \"user\"".to_owned()),
    };
    let scope = report.keep(&format!("{at}.scope"), scope);
    let name = scope.and_then(|scope| report.keep(&format!("{at}.match"), name(&raw.r#match, scope)));
    let amount = match raw.amount.as_str() {
        "" => Some(None),
        text => report.keep(&format!("{at}.amount"), amount::parse(text)).map(Some),
    };
    let period = report.keep(&format!("{at}.period"), choice(&raw.period, &Period::ALL, Period::as_str));
    if raw.shared && scope.is_some_and(|scope| !matches!(scope, Scope::User | Scope::Group)) {
        let message =
            "is for users and groups; remove it, since all who use the name share this budget anyway";
        report.problem(&format!("{at}.shared"), message.to_owned());
        return None;
    }
    Some(Budget { scope: scope?, name: name?, amount: amount?, period: period?, shared: raw.shared })
}

fn name(name: &str, scope: Scope) -> Result<String, String> {
    if name.is_empty() {
        return Err("is empty; write a name, or \"*\"".to_owned());
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(format!("is longer than {MAX_NAME_BYTES} bytes; write a name, or \"*\""));
    }
    if scope == Scope::Everyone && name != "*" {
        return Err("must be \"*\", since the scope is everyone; remove it".to_owned());
    }
    Ok(name.to_owned())
}
