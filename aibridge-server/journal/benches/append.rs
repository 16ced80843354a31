//! The cost of an append, compared with its write and its hash alone: `cargo bench -p aibridge-journal`.
#![allow(missing_docs, clippy::expect_used, reason = "a bench; criterion's macros make what has no docs")]

use aibridge_journal::{Digest, Disk, Journal, LocalDisk, Options};
use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::path::Path;
use tempfile::TempDir;

const SIZES: [usize; 3] = [1 << 10, 20 << 10, 300 << 10];
/// A file of the journal.
const FILE_BYTES: u64 = 64 << 20;

fn directory() -> TempDir {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    tempfile::tempdir_in(target).expect("a directory")
}

fn payload(size: usize) -> Bytes {
    vec![b'x'; size].into()
}

/// With `Durability::Process`. Frames are released as a projector does, now and then.
fn appends(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    for size in SIZES {
        let directory = directory();
        let (journal, _) = Journal::open(directory.path(), Options::default()).expect("opens");
        let payload = payload(size);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                let sequence = journal.append(1, payload.clone()).expect("is appended");
                if sequence % 500 == 0 {
                    journal.release(sequence).expect("releases");
                }
            });
        });
    }
}

/// A plain write of as many bytes to a file of the same size.
fn writes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pwrite");
    for size in SIZES {
        let directory = directory();
        let disk = LocalDisk::new(directory.path()).expect("a disk");
        let next = || {
            let file = disk.create("file").expect("a file");
            file.allocate(FILE_BYTES).expect("space");
            file
        };
        let (mut file, mut offset, payload) = (next(), 0, payload(size));
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                file.write_at(&payload, offset).expect("is written");
                offset += size as u64;
                if offset > FILE_BYTES {
                    (file, offset) = (next(), 0);
                }
            });
        });
    }
}

fn hashes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hash");
    for size in SIZES {
        let payload = payload(size);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| Digest::of(&payload));
        });
    }
}

criterion_group!(benches, appends, writes, hashes);
criterion_main!(benches);
