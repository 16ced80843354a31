//! Requests that a budget refuses.

use aibridge_budgets::Refusal;

/// A request is refused for money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// A budget has no room for the request.
    #[error("{refusal}")]
    Exceeded {
        /// The budget.
        refusal: Refusal,
        /// Whether the refusal on an OpenAI API is a 400, whose message Codex shows.
        is_readable: bool,
    },
    /// The model has no price, and the settings refuse such requests.
    #[error(
        "the model {0:?} has no price here, and this gateway forwards priced models only: use another model, or ask its operator to add a price"
    )]
    Unpriced(String),
}
