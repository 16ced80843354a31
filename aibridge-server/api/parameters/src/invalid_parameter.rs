//! The error of a parameter.

/// A parameter that is unknown, or whose value cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the parameter {name:?} cannot be used: {problem}")]
pub struct InvalidParameter {
    /// The parameter's name, as it was sent.
    pub name: String,
    /// The defect, and what to write instead.
    pub problem: String,
}

/// The error of the parameter `name`; `problem` contains the defect and what to write instead.
pub fn invalid(name: &str, problem: &str) -> InvalidParameter {
    InvalidParameter { name: name.to_owned(), problem: problem.to_owned() }
}
