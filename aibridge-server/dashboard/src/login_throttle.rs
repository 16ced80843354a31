//! Delays the log-ins of an address after failed ones. Access tokens have 256 random bits, so guessing is hopeless; the
//! delay keeps a script from loading the store.

use parking_lot::Mutex;
use quanta::{Clock, Instant};
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// The number of failures without a wait, because people paste a wrong text a few times.
const FREE_FAILURES: u32 = 3;

/// The first wait, which doubles with each failure, and the longest one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const MAX_WAIT: Duration = Duration::from_secs(60);

/// The time after which the failures of an address are forgotten.
const MEMORY: Duration = Duration::from_secs(15 * 60);

/// The most addresses that are remembered. A further one replaces the one with the earliest failure.
const MAX_ADDRESSES: usize = 1024;

/// Remembers the failed log-ins of each address.
pub struct LoginThrottle {
    clock: Clock,
    failures: Mutex<HashMap<IpAddr, Failures>>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last_at: Instant,
}

impl Failures {
    /// The wait after the last failure.
    fn wait(self) -> Duration {
        let Some(doublings) = self.count.checked_sub(FREE_FAILURES) else { return Duration::ZERO };
        FIRST_WAIT.saturating_mul(2_u32.saturating_pow(doublings)).min(MAX_WAIT)
    }
}

impl LoginThrottle {
    /// Creates a throttle without failures. `clock` measures the waits.
    pub fn new(clock: Clock) -> Self {
        Self { clock, failures: Mutex::default() }
    }

    /// Returns how long `address` has to wait before its next log-in; zero if it need not.
    pub fn remaining(&self, address: IpAddr) -> Duration {
        let failures = self.failures.lock().get(&network(address)).copied();
        let elapsed = |failures: Failures| self.clock.now().duration_since(failures.last_at);
        failures.map_or(Duration::ZERO, |failures| failures.wait().saturating_sub(elapsed(failures)))
    }

    /// Remembers a failed log-in of `address`.
    pub fn add_failure(&self, address: IpAddr) {
        let (now, address) = (self.clock.now(), network(address));
        let mut all = self.failures.lock();
        if all.len() >= MAX_ADDRESSES && !all.contains_key(&address) {
            all.retain(|_, failures| now.duration_since(failures.last_at) < MEMORY);
            let oldest = all.iter().min_by_key(|(_, failures)| failures.last_at).map(|(address, _)| *address);
            if all.len() >= MAX_ADDRESSES {
                oldest.map(|address| all.remove(&address));
            }
        }
        let failures = all.entry(address).or_insert(Failures { count: 0, last_at: now });
        if now.duration_since(failures.last_at) >= MEMORY {
            failures.count = 0;
        }
        *failures = Failures { count: failures.count.saturating_add(1), last_at: now };
    }

    /// Forgets the failures of `address` after a log-in that succeeded.
    pub fn forget(&self, address: IpAddr) {
        self.failures.lock().remove(&network(address));
    }
}

/// The IPv4 address, or the network of an IPv6 address, in which a client may have any number of addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_longer_after_each_failure() {
        let (clock, time) = Clock::mock();
        let throttle = LoginThrottle::new(clock);
        let (one, other): (IpAddr, IpAddr) =
            ("2001:db8::1".parse().expect("an address"), "2001:db8::2".parse().expect("an address"));
        let mut waits = Vec::new();
        for _ in 0..11 {
            throttle.add_failure(one);
            waits.push(throttle.remaining(other).as_secs());
            time.increment(throttle.remaining(one));
            assert_eq!(throttle.remaining(one), Duration::ZERO);
        }
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        throttle.forget(one);
        throttle.add_failure(one);
        assert_eq!(throttle.remaining(one), Duration::ZERO);
        assert_eq!(throttle.remaining("192.0.2.1".parse().expect("an address")), Duration::ZERO);
    }

    #[test]
    fn the_number_of_addresses_is_bounded() {
        let throttle = LoginThrottle::new(Clock::new());
        for number in 0..=MAX_ADDRESSES as u32 {
            throttle.add_failure(IpAddr::V4((0x0a00_0000 + number).into()));
        }
        assert_eq!(throttle.failures.lock().len(), MAX_ADDRESSES);
    }
}
