//! The prices and budgets in force, and what was spent.

use crate::billing::Billing;
use crate::error::BudgetError;
use crate::meter::{self, Meter};
use crate::pricing::PricingInput;
use crate::refusals::{RecentRefusal, RecentRefusals};
use crate::request::{self, OpenedRequest};
use crate::shared::Shared;
use crate::unrecorded::UnrecordedUsage;
use aibridge_budgets::{BudgetState, Ledger, Period, Refusal, Scope, SpentTotals, Subject, Windows};
use aibridge_config::{Budgets, Config, Prices, Provider, Unpriced};
use aibridge_intercept::Actor;
use aibridge_intercept::cost::CostMeter;
use aibridge_intercept::events::{EventSink, InterceptionEvent};
use aibridge_prices::NanoUsd;
use aibridge_recorder::{CredentialKind, Interception};
use jiff::Timestamp;
use std::sync::Arc;

/// The prices and budgets in force, and what was spent. Clones, and the values that [`Accounting::with_settings`] returns,
/// share what was spent.
#[derive(Clone)]
pub struct Accounting {
    prices: Prices,
    budgets: Budgets,
    billings: Arc<Vec<Billing>>,
    shared: Arc<Shared>,
}

impl Accounting {
    /// Creates an accounting with nothing spent.
    pub fn new(config: &Config, events: Arc<dyn EventSink>, now: Timestamp) -> Self {
        let shared = Shared {
            ledger: Ledger::new(config.budgets.ledger(), now),
            refusals: RecentRefusals::default(),
            events,
        };
        Self::create(config, &config.providers, Arc::new(shared))
    }

    /// Returns an accounting with the prices, budgets and providers of other settings, which keeps what was spent. The new
    /// budgets apply when this returns.
    #[must_use]
    pub fn with_settings(&self, config: &Config, providers: &[Provider], now: Timestamp) -> Self {
        self.shared.ledger.replace(config.budgets.ledger(), now);
        Self::create(config, providers, Arc::clone(&self.shared))
    }

    fn create(config: &Config, providers: &[Provider], shared: Arc<Shared>) -> Self {
        let prices = config.prices.clone();
        let billings = providers.iter().map(|provider| Billing::of(provider, &prices.table)).collect();
        Self { prices, budgets: config.budgets.clone(), billings: Arc::new(billings), shared }
    }

    /// Whether there are budgets.
    pub fn has_budgets(&self) -> bool {
        !self.budgets.budgets.is_empty()
    }

    /// Whether requests with a client's own key count.
    pub fn counts_byok(&self) -> bool {
        self.budgets.byok_counts
    }

    /// Whether access tokens have budgets, so that their ids are recorded.
    pub fn counts_keys(&self) -> bool {
        self.budgets.budgets.iter().any(|budget| budget.scope == Scope::Key)
    }

    /// Refuses a request with an exhausted budget before its body is read. Budgets of models are not checked yet.
    ///
    /// # Errors
    ///
    /// [`BudgetError::Exceeded`] with the first budget that admits nothing.
    pub fn check(
        &self,
        actor: &Actor,
        provider: &str,
        credential: CredentialKind,
    ) -> Result<(), BudgetError> {
        if self.budgets.budgets.is_empty() || !self.counts(credential) {
            return Ok(());
        }
        let (now, groups) = (Timestamp::now(), request::groups(actor));
        let subject = Subject {
            user: &actor.id,
            groups: &groups,
            key: request::key_of(&actor.metadata),
            model: "",
            provider,
        };
        self.shared.ledger.check(&subject, now).map_err(|refusal| self.refuse(&actor.id, refusal, now))
    }

    /// Reserves what a parsed request may cost, and returns its meter.
    ///
    /// # Errors
    ///
    /// [`BudgetError`] if a budget has no room, or the model has no price and the settings require one.
    pub fn open(&self, request: &OpenedRequest<'_>) -> Result<Box<dyn CostMeter>, BudgetError> {
        let OpenedRequest { interception, headers, bytes } = *request;
        let billing = self.billing(interception);
        let is_byok = interception.credential_kind == CredentialKind::Byok;
        let is_subscription = is_byok && request::has_subscription(headers);
        let request_bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let (table, now) = (self.prices.table.clone(), Timestamp::now());
        let input =
            PricingInput { table: &table, billing: &billing, interception, is_subscription, request_bytes };
        let mut reservation = None;
        if self.counts(interception.credential_kind) {
            let input_cost = input.input_cost();
            if input_cost.is_none() && self.budgets.unpriced == Unpriced::Refuse {
                return Err(BudgetError::Unpriced(interception.model.clone()));
            }
            let groups = request::groups_of(&interception.metadata);
            let subject = meter::subject(interception, &groups);
            let session = interception.client_session_id.as_deref();
            let input_cost = input_cost.unwrap_or(NanoUsd::ZERO);
            let reserved = self.shared.ledger.reserve(&subject, session, input_cost, now);
            reservation =
                Some(reserved.map_err(|refusal| self.refuse(&interception.initiator_id, refusal, now))?);
        }
        let shared = Arc::clone(&self.shared);
        Ok(Box::new(Meter { shared, table, billing, is_subscription, request_bytes, reservation }))
    }

    /// Charges budgets for a response that is not recorded, and publishes its cost. Charges nothing if the provider
    /// states no cost and the model in the response has no price.
    pub fn charge(&self, used: &UnrecordedUsage<'_>) {
        let now = Timestamp::now();
        let billing = self.billings.iter().find(|billing| billing.provider == used.provider);
        let cost = billing.and_then(|billing| used.cost(billing, &self.prices.table, now));
        self.shared.events.on_event(&InterceptionEvent::PassthroughCost {
            provider: used.provider,
            model: used.model,
            cost_nano_usd: cost.map(NanoUsd::get),
        });
        if let Some(cost) = cost.filter(|_| self.counts(used.credential)) {
            let groups = request::groups(used.actor);
            let warnings = self.shared.ledger.charge(&used.subject(&groups), cost, now);
            self.shared.publish_warnings(&warnings);
        }
    }

    fn counts(&self, credential: CredentialKind) -> bool {
        credential == CredentialKind::Centralized || self.budgets.byok_counts
    }

    /// The billing of the provider; that of its type if a reload has removed it.
    fn billing(&self, interception: &Interception) -> Billing {
        let found = self.billings.iter().find(|billing| billing.provider == interception.provider_name);
        found.cloned().unwrap_or_else(|| Billing {
            provider: interception.provider_name.clone(),
            vendor: interception.provider.clone(),
            is_subscription: false,
        })
    }

    fn refuse(&self, user: &str, refusal: Refusal, now: Timestamp) -> BudgetError {
        self.shared.refusals.add(user, &refusal, now);
        BudgetError::Exceeded { refusal, is_readable: self.budgets.readable_refusals, at: now }
    }

    /// The current windows, for the query of [`Accounting::load`].
    pub fn windows(&self, now: Timestamp) -> Windows {
        self.shared.ledger.windows(now)
    }

    /// Replaces what the records of other gateways, and of earlier runs of this one, say was spent in the current windows.
    pub fn load<'a>(&self, totals: impl IntoIterator<Item = SpentTotals<'a>>, now: Timestamp) {
        self.shared.ledger.load(totals, now);
    }

    /// Every budget, and what was spent of it.
    pub fn budgets(&self, now: Timestamp) -> Vec<BudgetState> {
        self.shared.ledger.list(now)
    }

    /// The budgets that apply to every request of a user in `groups` with the access token `key`, except for the budgets
    /// of everyone.
    pub fn budgets_of(&self, user: &str, groups: &[String], key: &str, now: Timestamp) -> Vec<BudgetState> {
        let subject = Subject { user, groups, key, ..Subject::default() };
        let states = self.shared.ledger.list_of(&subject, now);
        states.into_iter().filter(|state| state.scope != Scope::Everyone).collect()
    }

    /// The spending of a user in the current day, week and month.
    pub fn spent_by(&self, user: &str, now: Timestamp) -> [(Period, NanoUsd); Period::ALL.len()] {
        Period::ALL.map(|period| (period, self.shared.ledger.spent_by(user, period, now)))
    }

    /// The last refusals of a user, the latest first.
    pub fn refusals_of(&self, user: &str) -> Vec<RecentRefusal> {
        self.shared.refusals.of(user)
    }
}
