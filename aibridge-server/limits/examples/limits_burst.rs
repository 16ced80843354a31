//! An agent in a loop and a developer share a gateway with limits per minute. Prints who is admitted as time passes.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use aibridge_config::Limits;
use aibridge_limits::RequestLimits;
use quanta::Clock;
use std::num::NonZeroU32;
use std::time::Duration;

fn main() {
    let settings = Limits {
        requests_per_minute: NonZeroU32::new(6),
        tokens_per_minute: NonZeroU32::new(1000),
        ..Limits::default()
    };
    let (clock, time) = Clock::mock();
    let limits = RequestLimits::new(settings, clock);
    for round in 1..=10 {
        for actor in ["agent", "agent", "developer"] {
            match limits.admit(actor, true) {
                Ok(permit) => {
                    let acquired = permit.acquire().is_ok(); // when the body has arrived
                    limits.charge(actor, 150); // when the response has ended
                    println!("{:>3} s  {actor:<9} admitted, in flight: {acquired}", round * 5);
                }
                Err(refusal) => println!("{:>3} s  {actor:<9} refused: {refusal}", round * 5),
            }
        }
        time.increment(Duration::from_secs(5));
    }
}
