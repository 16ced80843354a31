//! Plans the interceptions: their user, time, session, model and outcome.

/// A planned interception. Small, because a plan may have a million.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned {
    /// The start, in milliseconds since 1970.
    pub(super) at: u64,
    pub(super) millis: u32,
    pub(super) session: u32,
    /// The number of the step in its session.
    pub(super) step: u16,
    pub(super) user: u8,
    pub(super) client: u8,
    pub(super) model: u8,
    pub(super) outcome: Outcome,
    /// `true` if the request contains a prompt of the user; `false` if it returns the result of a tool.
    pub(super) has_prompt: bool,
    /// Whether the model calls a tool.
    pub(super) calls_tool: bool,
    /// Selects texts and numbers.
    pub(super) seed: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Completed,
    Cancelled,
    RateLimited,
    Overloaded,
    Timeout,
    Open,
}

/// A sequence of pseudo-random numbers (xorshift64*), the same for the same seed.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A number below `end`; small ones are more frequent.
    fn skewed(&mut self, end: u64) -> u64 {
        self.below(end).min(self.below(end)).min(self.below(end))
    }

    /// True once in `number` times.
    fn once_in(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }
}

const DAY: u64 = 24 * 60 * 60 * 1000;

/// The time over which the sessions are spread.
const WEEKS: u64 = 8;

/// The number of requests in the longest session. More than 500 of them call a tool.
const LONG_SESSION: u16 = 560;

pub(super) const USERS: u64 = 36;
pub(super) const CLIENTS: u64 = 5;
pub(super) const MODELS: u64 = 6;

/// Plans about `count` interceptions before `now`, oldest first. One session of today has more than 500 tool calls.
pub(super) fn plan(count: usize, now: u64) -> Vec<Planned> {
    let mut random = Random::new(7);
    let mut all = Vec::with_capacity(count + 64);
    let mut session = 0;
    if count > usize::from(LONG_SESSION) * 2 {
        let long = Shape { user: 3, client: 1, model: 2, steps: LONG_SESSION, prompt_every: 40 };
        add_session(&mut all, &mut random, session, long, now - DAY / 3);
    }
    while all.len() < count {
        session += 1;
        let start = start(&mut random, now);
        let user = random.skewed(USERS) as u8;
        let client = ((u64::from(user) + random.skewed(3)) % CLIENTS) as u8;
        let steps = (1 + random.skewed(60)) as u16;
        let model = random.skewed(MODELS) as u8;
        let shape = Shape { user, client, model, steps, prompt_every: 2 + random.below(12) as u16 };
        add_session(&mut all, &mut random, session, shape, start);
    }
    all.retain(|one| one.at < now);
    all.truncate(count);
    all.sort_by_key(|one| one.at);
    let recent = all.len().saturating_sub(3);
    for one in all.iter_mut().skip(recent) {
        one.outcome = Outcome::Open;
        one.calls_tool = false;
    }
    all
}

#[derive(Clone, Copy)]
struct Shape {
    user: u8,
    client: u8,
    model: u8,
    steps: u16,
    prompt_every: u16,
}

/// A time in the past weeks, mostly on a working day between 8 and 18 o'clock UTC.
fn start(random: &mut Random, now: u64) -> u64 {
    loop {
        let at = now - random.below(WEEKS * 7 * DAY);
        let weekday = (at / DAY + 3) % 7; // 1970 began on a Thursday; 0 is Monday
        let hour = at % DAY / (DAY / 24);
        let is_work = weekday < 5 && (8..18).contains(&hour);
        if is_work || random.once_in(12) {
            return at;
        }
    }
}

fn add_session(all: &mut Vec<Planned>, random: &mut Random, session: u32, shape: Shape, start: u64) {
    let mut at = start;
    for step in 0..shape.steps {
        let has_prompt = step % shape.prompt_every == 0;
        let is_last = step + 1 == shape.steps || (step + 1) % shape.prompt_every == 0;
        let outcome = match random.below(400) {
            0..=1 => Outcome::Timeout,
            2..=5 => Outcome::Overloaded,
            6..=12 => Outcome::RateLimited,
            13..=20 => Outcome::Cancelled,
            _ => Outcome::Completed,
        };
        let millis = 400 + random.skewed(40_000) as u32;
        all.push(Planned {
            at,
            millis,
            session,
            step,
            user: shape.user,
            client: shape.client,
            model: if random.once_in(20) { random.below(MODELS) as u8 } else { shape.model },
            outcome,
            has_prompt,
            calls_tool: outcome == Outcome::Completed && !is_last,
            seed: random.next() as u32,
        });
        at += u64::from(millis) + 200 + random.skewed(if is_last { 600_000 } else { 4_000 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_the_requested_size_and_order() {
        let now = 1_790_000_000_000;
        let all = plan(5000, now);
        assert!((4900..=5000).contains(&all.len()), "{}", all.len());
        assert!(all.is_sorted_by_key(|one| one.at) && all.iter().all(|one| one.at < now));
        assert!(all.iter().filter(|one| one.session == 0 && one.calls_tool).count() >= 500);
        assert!(all.iter().any(|one| one.outcome == Outcome::RateLimited));
    }
}
