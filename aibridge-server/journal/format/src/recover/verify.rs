//! Compares the content of the files with their headers and trailers, which also describe the neighbouring files.

use super::ScannedFile;
use crate::digest::Digest;
use crate::identity;
use crate::report::{Fault, Recovery};
use crate::segment::Part;
use std::ops::RangeInclusive;
use uuid::Uuid;

/// Reports the damage within one file. The last file may end in a torn frame.
pub(super) fn file(file: &mut ScannedFile, is_last: bool, report: &mut Recovery) {
    let mut faults: Vec<Fault> = file.scan.bad.iter().cloned().map(Fault::Bytes).collect();
    let trailer = file.scan.trailer;
    if is_last {
        report.was_closed = trailer.is_some_and(|trailer| !trailer.is_followed);
    }
    if let (None, Ok(header)) = (trailer, file.scan.header)
        && file.scan.len < header.allocated
    {
        faults.push(Fault::Truncated { expected: header.allocated, found: file.scan.len });
    }
    let may_be_torn = is_last && trailer.is_none() && faults.is_empty() && !file.is_damaged;
    match file.torn() {
        Some(torn) if may_be_torn => report.torn = Some(torn),
        Some(torn) => faults.push(Fault::Bytes(torn.bytes)),
        None => {}
    }
    if is_last && trailer.is_some_and(|trailer| trailer.is_followed) {
        report.push(&file.name, Fault::NextFile);
    }
    file.is_damaged |= !faults.is_empty();
    for fault in faults {
        report.push(&file.name, fault);
    }
}

/// Reports what is missing before, between and after the parts, and returns the sequence number and the link of the last
/// frame.
pub(super) fn chain(
    scanned: &[ScannedFile],
    parts: &[Part],
    journal: Uuid,
    report: &mut Recovery,
) -> (u64, Digest) {
    let mut claims: Vec<Claim> = scanned.iter().map(Claim::of).collect();
    claims.sort_unstable();
    let lowest = claims.first().map_or(0, |claim| claim.first - 1);
    let mut chain = Chain { last: lowest, link: None, claims, report };
    for part in parts {
        chain.follow(&scanned[part.file], part);
    }
    let Some(newest) = scanned.first() else { return (0, Digest::genesis(journal)) };
    let end = newest.scan.trailer.map_or(0, |trailer| trailer.last.0);
    chain.gap(&newest.name, newest.file_name.first.max(end + 1));
    let header = newest.scan.header.ok();
    match (chain.link, header) {
        (None, Some(header)) if parts.is_empty() => header.previous,
        (link, _) => (chain.last, link.unwrap_or_else(|| Digest::genesis(journal))),
    }
}

/// The statement of a file about the frames before its first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    first: u64,
    /// The number of the frame before the first one. 0 if the header is damaged.
    previous: u64,
}

impl Claim {
    fn of(file: &ScannedFile) -> Self {
        let previous = file.scan.header.map_or(0, |header| header.previous.0);
        Self { first: file.file_name.first, previous }
    }
}

struct Chain<'a> {
    /// The last frame so far, and its link where it was read.
    last: u64,
    link: Option<Digest>,
    /// The claims in the order of their frames.
    claims: Vec<Claim>,
    report: &'a mut Recovery,
}

impl Chain<'_> {
    fn follow(&mut self, file: &ScannedFile, part: &Part) {
        let run = &file.scan.runs[part.run];
        let previous = (part.from == run.first).then_some(run.previous);
        let is_linked = previous.is_some() && previous == self.link;
        if !is_linked && !self.gap(&file.name, part.from) && previous.is_some() && self.link.is_some() {
            self.report.push(&file.name, Fault::Chain(part.from));
        }
        self.last = part.to;
        self.link = (part.to == run.last).then_some(run.link);
    }

    /// Reports what is missing between the last frame and `next`, and returns whether something is.
    fn gap(&mut self, file: &str, next: u64) -> bool {
        let mut missing: Vec<RangeInclusive<u64>> = Vec::new();
        let mut first = self.last + 1;
        for claim in self.claims.iter().filter(|claim| claim.first > self.last && claim.first <= next) {
            missing.push(in_epoch(first, claim.previous));
            first = first.max(claim.first);
        }
        missing.push(in_epoch(first, next - 1));
        missing.retain(|sequences| !sequences.is_empty());
        let is_missing = !missing.is_empty();
        for sequences in missing {
            self.report.push(file, Fault::Missing(sequences));
        }
        is_missing
    }
}

/// The numbers from `first` to `last` that are in the epoch of `last`: the end of an earlier epoch is unknown.
fn in_epoch(first: u64, last: u64) -> RangeInclusive<u64> {
    first.max(identity::first_of_epoch(identity::epoch_of(last)))..=last
}
