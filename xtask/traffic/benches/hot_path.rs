//! `cargo bench -p aibridge-traffic`: the operations of each request and event, and commits of records.
#![allow(
    missing_docs,
    clippy::expect_used,
    reason = "a benchmark; the macros of criterion generate undocumented items"
)]

mod commit;
mod operations;

use criterion::{Criterion, criterion_group, criterion_main};

fn operations(criterion: &mut Criterion) {
    for (name, mut operation) in operations::all() {
        criterion.bench_function(&name, |bencher| bencher.iter(&mut operation));
    }
}

criterion_group!(benches, operations, commit::commits);
criterion_main!(benches);
