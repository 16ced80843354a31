//! Tests of pools and of their shared states.

use super::*;
use crate::{KeyState, Walker, hint};

fn pool(keys: &[&str]) -> Result<KeyPool, KeyPoolError> {
    KeyPool::new(keys.iter().map(|&key| key.into()).collect(), Clock::mock().0)
}

#[test]
fn unusable_keys_are_refused() {
    let table: &[(&[&str], KeyPoolError, &str)] = &[
        (&[], KeyPoolError::Empty, "a key pool needs at least one key"),
        (&[""], KeyPoolError::EmptyKey { position: 1 }, "key 1 is empty"),
        (&["sk-a", " \n"], KeyPoolError::EmptyKey { position: 2 }, "key 2 is empty"),
        (
            &["sk-a", "sk-b", "sk-a"],
            KeyPoolError::DuplicateKey { first: 1, second: 3 },
            "keys 1 and 3 are the same",
        ),
    ];
    for (keys, expected, message) in table {
        let error = pool(keys).expect_err("a refusal");
        assert_eq!((&error, error.to_string().as_str()), (expected, *message), "{keys:?}");
    }
}

#[test]
fn only_hints_can_be_printed() {
    let pool = pool(&["sk-0123456789abcdefghij", "hunter2-hunter2"]).expect("a pool");
    assert_eq!(format!("{pool:?}"), r#"KeyPool ["sk-0...ghij", "hu...r2"]"#);

    let mut walk = pool.walk();
    let key = walk.next_key().expect("a key");
    assert_eq!(format!("{key:?}"), r#"Key("sk-0...ghij")"#);
    assert_eq!(
        format!("{walk:?}"),
        r#"Walker { pool: KeyPool ["sk-0...ghij", "hu...r2"], next: 1, deferred: [], walk: Walk { model: OnceLock(<uninit>), rate_limited: false, suspects: Mutex { data: [] } } }"#
    );
    assert!(!format!("{:?}", pool.statuses()).contains("6789"));
}

#[test]
fn clones_share_the_keys_states() {
    let pool = pool(&["sk-a", "sk-b"]).expect("a pool");
    let key = pool.clone().walk().next_key().expect("a key");
    key.rejected();
    let valid =
        |pool: &KeyPool| pool.statuses().iter().filter(|status| status.state == KeyState::Valid).count();
    assert_eq!((pool.len(), pool.is_empty(), valid(&pool)), (2, false, 1));
}

#[test]
fn pools_share_the_states_of_their_common_keys() {
    let hints = |pool: &KeyPool| {
        let cooling = pool.statuses().into_iter().filter(|status| status.state != KeyState::Valid);
        cooling.map(|status| status.hint).collect::<Vec<_>>()
    };
    let old = pool(&["sk-goes", "sk-stays"]).expect("a pool");
    let mut walk = old.walk();
    while let Some(key) = walk.next_key() {
        key.rate_limited(None);
    }
    let new = old.with_keys(["sk-new", "sk-stays", "sk-stay"].map(Into::into).to_vec()).expect("a pool");
    assert_eq!(hints(&new), [hint("sk-stays")]);
    assert_eq!(new.walk().next_key().map(|key| key.hint().to_owned()), Some(hint("sk-new")));

    let both = new.with_keys(vec!["sk-new".into()]).expect("a pool");
    new.walk().next_key().expect("a key").rejected();
    assert_eq!(hints(&both), [hint("sk-new")], "a report to one pool applies to the other");
    assert_eq!(
        new.with_keys(vec!["x".into(), "x".into()]).err(),
        Some(KeyPoolError::DuplicateKey { first: 1, second: 2 })
    );
}

#[test]
fn counts_include_removed_keys() {
    let old = pool(&["sk-goes", "sk-stays"]).expect("a pool");
    let mut walk = old.walk();
    while let Some(key) = walk.next_key() {
        key.rate_limited(None);
    }
    let new = old.with_keys(vec!["sk-stays".into()]).expect("a pool");
    let expected = Transitions { rate_limited: 2, ..Transitions::default() };
    assert_eq!([old.transitions(), new.transitions()], [expected; 2]);
}

#[test]
fn a_walk_may_cross_threads() {
    fn check<T: Send + Sync + Clone + fmt::Debug + 'static>() {}
    fn check_walk<T: Send + Sync + fmt::Debug + 'static>() {}
    check::<KeyPool>();
    check::<crate::Key>();
    check_walk::<Walker>();
}
