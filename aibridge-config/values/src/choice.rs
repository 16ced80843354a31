//! Settings with a fixed set of values.

/// Returns the value in `all` with the name `text`.
///
/// # Errors
///
/// A message with all names, if none of them is `text`.
pub fn choice<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    all.iter().copied().find(|&one| name(one) == text).ok_or_else(|| {
        let names: Vec<String> = all.iter().map(|&one| format!("\"{}\"", name(one))).collect();
        format!("{text:?} is unknown; write {}", names.join(" or "))
    })
}
