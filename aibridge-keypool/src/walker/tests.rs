//! Tests of walks, with a mock clock.

use super::*;
use quanta::{Clock, Mock};
use secrecy::ExposeSecret;

fn pool(keys: &[&str]) -> (KeyPool, Arc<Mock>) {
    let (clock, time) = Clock::mock();
    (KeyPool::new(keys.iter().map(|&key| key.into()).collect(), clock).expect("a pool"), time)
}

fn remaining_keys(walk: &mut Walker) -> Vec<String> {
    std::iter::from_fn(|| walk.next_key()).map(|key| key.secret().expose_secret().to_owned()).collect()
}

fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

fn rate_limited(retry_after: u64) -> Exhaustion {
    Exhaustion::RateLimited { retry_after: Duration::from_secs(retry_after) }
}

#[test]
fn every_walk_starts_from_the_first_key() {
    let (pool, _) = pool(&["a", "b", "c"]);
    for _ in 0..2 {
        let mut walk = pool.walk();
        assert_eq!(remaining_keys(&mut walk), ["a", "b", "c"]);
        assert!(walk.next_key().is_none(), "the walk stays at its end");
    }
}

#[test]
fn a_cooling_key_is_skipped_until_its_cooldown_is_over() {
    let (pool, time) = pool(&["a", "b", "c"]);
    pool.walk().next_key().expect("a").rate_limited(seconds(20));
    assert_eq!(remaining_keys(&mut pool.walk()), ["b", "c"]);
    time.increment(Duration::from_secs(20));
    assert_eq!(remaining_keys(&mut pool.walk()), ["a", "b", "c"]);
}

#[test]
fn one_walk_probes_a_key_before_others_use_it() {
    let (pool, time) = pool(&["a", "b"]);
    pool.walk().next_key().expect("a").rate_limited(seconds(20));
    time.increment(Duration::from_secs(20));
    let probed = pool.walk().next_key().expect("a");
    assert_eq!(remaining_keys(&mut pool.walk()), ["b", "a"], "a key under probe comes last");
    probed.succeeded();
    assert_eq!(remaining_keys(&mut pool.walk()), ["a", "b"]);
}

#[test]
fn a_probe_without_a_report_times_out() {
    let (pool, time) = pool(&["a", "b"]);
    pool.walk().next_key().expect("a").rejected();
    time.increment(Duration::from_secs(60));
    pool.walk().next_key().expect("a");
    time.increment(Duration::from_secs(10));
    assert_eq!(remaining_keys(&mut pool.walk()), ["a", "b"], "this walk probes it again");
    assert_eq!(remaining_keys(&mut pool.walk()), ["b", "a"]);
}

#[test]
fn a_key_that_fails_its_probe_is_probed_again() {
    let (pool, time) = pool(&["a", "b"]);
    for _ in 0..2 {
        pool.walk().next_key().expect("a").rate_limited(seconds(20));
        assert_eq!(remaining_keys(&mut pool.walk()), ["b"]);
        time.increment(Duration::from_secs(20));
    }
    pool.walk().next_key().expect("a");
    assert_eq!(remaining_keys(&mut pool.walk()), ["b", "a"]);
}

#[test]
fn a_rate_limit_of_one_model_does_not_cool_others() {
    let (pool, time) = pool(&["a", "b"]);
    pool.walk_for("m").next_key().expect("a").rate_limited(seconds(20));
    assert_eq!(remaining_keys(&mut pool.walk_for("m")), ["b"]);
    assert_eq!(remaining_keys(&mut pool.walk_for("n")), ["a", "b"]);
    assert_eq!(remaining_keys(&mut pool.walk()), ["a", "b"]);
    assert_eq!(pool.walk_for("m").exhaustion(), rate_limited(20));
    assert_eq!(pool.walk_for("n").shortest_cooldown(), None);

    time.increment(Duration::from_secs(20));
    let probed = pool.walk_for("m").next_key().expect("a");
    assert_eq!(remaining_keys(&mut pool.walk_for("m")), ["b", "a"], "one walk probes it for this model");
    pool.walk_for("n").next_key().expect("a").succeeded();
    assert_eq!(remaining_keys(&mut pool.walk_for("m")), ["b", "a"], "another model's success proves nothing");
    probed.succeeded();
    assert_eq!(remaining_keys(&mut pool.walk_for("m")), ["a", "b"]);
}

#[test]
fn a_rate_limit_applies_to_a_model_that_is_read_during_the_walk() {
    let (pool, _time) = pool(&["a", "b"]);
    let mut walk = pool.walk();
    let key = walk.next_key().expect("a");
    walk.set_model("m");
    walk.set_model("n");
    key.rate_limited(seconds(20));
    assert_eq!(remaining_keys(&mut pool.walk_for("m")), ["b"]);
    assert_eq!(remaining_keys(&mut pool.walk_for("n")), ["a", "b"]);
    assert_eq!(remaining_keys(&mut pool.walk()), ["a", "b"]);
    assert_eq!(walk.shortest_cooldown(), seconds(20));
}

#[test]
fn the_whole_key_cools_when_64_models_do() {
    let (pool, time) = pool(&["a"]);
    for model in 0..64 {
        pool.walk_for(model.to_string()).nth(0).rate_limited(seconds(20));
    }
    assert_eq!(pool.statuses()[0].models.len(), 64);
    pool.walk_for("another").nth(0).rate_limited(seconds(30));
    assert_eq!(pool.statuses()[0].models.len(), 64);
    assert_eq!(remaining_keys(&mut pool.walk_for("yet another")), [""; 0]);
    assert_eq!(pool.transitions().rate_limited, 65);

    time.increment(Duration::from_secs(30));
    assert_eq!(pool.statuses()[0].models, []);
    pool.walk_for("another").nth(0).rate_limited(seconds(20));
    assert_eq!(remaining_keys(&mut pool.walk_for("yet another")), ["a"], "expired cooldowns make room");
    assert_eq!(pool.transitions().recovered, 65);
}

#[test]
fn a_long_model_name_is_cut() {
    let (pool, _) = pool(&["a"]);
    pool.walk_for("é".repeat(300)).nth(0).rate_limited(None);
    assert_eq!(pool.statuses()[0].models[0].model, "é".repeat(256));
    assert_eq!(remaining_keys(&mut pool.walk_for("é".repeat(300))), [""; 0]);
}

#[test]
fn a_401_that_does_not_name_the_key_counts_if_another_key_then_succeeds() {
    let (pool, time) = pool(&["a", "b", "c"]);
    let mut walk = pool.walk();
    while let Some(key) = walk.next_key() {
        key.unauthorized();
    }
    assert_eq!(walk.exhaustion(), Exhaustion::Rejected);
    assert_eq!(remaining_keys(&mut pool.walk()), ["a", "b", "c"], "the request may be at fault");

    let (mut walk, other) = (pool.walk(), pool.walk());
    walk.next_key().expect("a").unauthorized();
    walk.next_key().expect("b").forbidden();
    other.nth(1).succeeded();
    assert_eq!(remaining_keys(&mut pool.walk()), ["a", "b", "c"], "another request succeeded");
    walk.next_key().expect("c").succeeded();
    assert_eq!(remaining_keys(&mut pool.walk()), ["b", "c"]);
    time.increment(Duration::from_secs(60));
    assert_eq!(remaining_keys(&mut pool.walk()), ["a", "b", "c"]);
}

#[test]
fn a_report_about_one_request_does_not_cool_the_key() {
    let (pool, _) = pool(&["a"]);
    let mut walk = pool.walk_for("m");
    walk.next_key().expect("a").request_too_large();
    assert_eq!((walk.exhaustion(), walk.shortest_cooldown()), (Exhaustion::Rejected, None));
    assert_eq!(remaining_keys(&mut pool.walk_for("m")), ["a"]);
}

#[test]
fn a_lack_of_credit_has_a_retry_time() {
    let (pool, time) = pool(&["a"]);
    pool.walk_for("m").nth(0).out_of_quota();
    assert_eq!(pool.walk_for("n").exhaustion(), rate_limited(60), "for all models");
    time.increment(Duration::from_secs(60));
    pool.walk().nth(0).out_of_quota();
    assert_eq!(pool.walk().exhaustion(), rate_limited(120));
}

#[test]
fn reports_of_another_walk_apply_at_once() {
    let (pool, _) = pool(&["a", "b", "c"]);
    let mut walk = pool.walk();
    walk.next_key().expect("a");
    pool.walk().nth(1).rejected();
    assert_eq!(remaining_keys(&mut walk), ["c"]);
}

#[test]
fn a_key_is_offered_once_even_if_its_cooldown_ends_during_the_walk() {
    let (pool, time) = pool(&["a", "b"]);
    let mut walk = pool.walk();
    walk.next_key().expect("a").rate_limited(seconds(1));
    time.increment(Duration::from_secs(2));
    assert_eq!(remaining_keys(&mut walk), ["b"]);
}

#[test]
fn exhaustion_names_its_reason() {
    let (pool, time) = pool(&["a", "b"]);
    let untouched = pool.walk();
    assert_eq!(untouched.exhaustion(), Exhaustion::Rejected, "e.g. every key answered 403");

    pool.walk().nth(0).rejected();
    assert_eq!(pool.walk().exhaustion(), Exhaustion::Rejected);

    pool.walk().nth(0).rate_limited(seconds(90)); // "b": "a" cools
    assert_eq!(pool.walk().exhaustion(), rate_limited(60), "the smallest of all cooldowns");

    time.increment(Duration::from_secs(70));
    assert_eq!(pool.walk().exhaustion(), rate_limited(20));

    time.increment(Duration::from_secs(20));
    assert_eq!(pool.walk().exhaustion(), Exhaustion::Rejected, "no key is cooling any more");
}

#[test]
fn a_rate_limit_of_this_walk_counts_after_its_cooldown() {
    let (pool, time) = pool(&["a", "b"]);
    let (mut walk, other) = (pool.walk(), pool.walk());
    walk.next_key().expect("a").rate_limited(seconds(0));
    assert_eq!(walk.exhaustion(), rate_limited(0));
    assert_eq!(other.exhaustion(), Exhaustion::Rejected, "another walk had no rate limit");

    walk.next_key().expect("b").rate_limited(seconds(5));
    assert_eq!(walk.exhaustion(), rate_limited(5));
    time.increment(Duration::from_secs(5));
    assert_eq!(walk.exhaustion(), rate_limited(0));
}

#[test]
fn a_rate_limit_counts_for_its_walk_despite_a_longer_rejection() {
    let (pool, _) = pool(&["a"]);
    let mut walk = pool.walk();
    let key = walk.next_key().expect("a");
    key.rejected();
    key.rate_limited(seconds(5));
    assert_eq!(walk.exhaustion(), rate_limited(60));
    assert_eq!(pool.walk().exhaustion(), Exhaustion::Rejected);
}

impl Walker {
    /// The key that is offered after `skipped` others.
    fn nth(mut self, skipped: usize) -> Key {
        std::iter::from_fn(|| self.next_key()).nth(skipped).expect("a valid key")
    }
}
