//! The groups of a user, which an access token names.

use aibridge_store_core::StoreError;

/// The most groups of a token: each request counts for all of them.
const MAX_GROUPS: usize = 32;

/// Maximum length of a group's name in characters.
const MAX_GROUP_CHARS: usize = 100;

/// Separates groups in a column.
const SEPARATOR: char = ',';

/// The distinct groups in alphabetical order.
pub fn checked(groups: &[String]) -> Result<Vec<String>, StoreError> {
    let mut groups = groups.to_vec();
    groups.sort_unstable();
    groups.dedup();
    for name in &groups {
        let refuse = |rule| Err(StoreError::InvalidGroup { name: name.clone(), rule });
        if name.trim().is_empty() {
            return refuse("it must not be empty");
        }
        if name.contains(SEPARATOR) || name.chars().any(char::is_control) {
            return refuse("it must not hold commas or control characters");
        }
        if name.chars().count() > MAX_GROUP_CHARS {
            return refuse("it must not have more than 100 characters");
        }
    }
    match groups.get(MAX_GROUPS) {
        Some(name) => Err(StoreError::InvalidGroup {
            name: name.clone(),
            rule: "a user must not belong to more than 32 groups",
        }),
        None => Ok(groups),
    }
}

/// The value of the column; `None` without groups.
pub fn to_column(groups: &[String]) -> Option<String> {
    (!groups.is_empty()).then(|| groups.join(","))
}

/// The groups in the column.
pub fn from_column(column: Option<&str>) -> Vec<String> {
    let names = column.unwrap_or_default().split(SEPARATOR);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_sorted_and_checked() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(checked(&names(&["ops", "eng", "ops"])).unwrap(), names(&["eng", "ops"]));
        for bad in ["", " ", "a,b", "a\nb", &"x".repeat(101)] {
            assert!(checked(&names(&[bad])).is_err(), "{bad:?}");
        }
        let many: Vec<String> = (0..33).map(|index| format!("g{index}")).collect();
        assert!(checked(&many).is_err());
        assert!(checked(&many[1..]).is_ok());
    }

    #[test]
    fn a_column_holds_all_groups() {
        for groups in [vec![], vec!["eng".to_owned()], vec!["eng".to_owned(), "ops".to_owned()]] {
            assert_eq!(from_column(to_column(&groups).as_deref()), groups);
        }
    }
}
