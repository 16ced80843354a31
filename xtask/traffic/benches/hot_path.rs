//! `cargo bench -p aibridge-traffic`: what runs for each request or event, and commits of records.
#![allow(missing_docs, clippy::expect_used, reason = "a bench; criterion's macros make what has no docs")]

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
