/// The one of `all` that is called `text`.
///
/// # Errors
///
/// If none is: says which there are.
pub(crate) fn choice<T: Copy>(text: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    all.iter().copied().find(|&one| name(one) == text).ok_or_else(|| {
        let names: Vec<String> = all.iter().map(|&one| format!("\"{}\"", name(one))).collect();
        format!("{text:?} is unknown; write {}", names.join(" or "))
    })
}
