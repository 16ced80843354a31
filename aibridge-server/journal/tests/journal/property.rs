//! Random uses of a journal, with faults, kills and power losses, against a list of what was accepted.

use crate::model::{Faults, ModelDisk};
use crate::support::{options, read_all};
use aibridge_journal::{AppendError, Durability, FRAME_OVERHEAD, Journal, Reader, Recovery, Reservation};
use bytes::Bytes;
use proptest::prelude::*;
use std::sync::Arc;

#[derive(Clone, Debug)]
enum Step {
    Start { bytes: usize, end: usize },
    End { which: usize, bytes: usize },
    Sync,
    Maintain,
    Read(usize),
    Release,
    Fail(Faults),
    Kill,
    LosePower(u64),
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let bytes = || prop_oneof![8 => 8usize..300, 2 => 300usize..1200, 1 => 2000usize..4000];
    let faults = (0u32..6, 1u32..4, 0u32..2, prop::bool::weighted(0.1));
    let faults = faults.prop_map(|(healthy, failing, failing_syncs, is_full)| {
        Step::Fail(Faults { healthy, failing: failing * (1 - failing_syncs), failing_syncs, is_full })
    });
    let step = prop_oneof![
        12 => (bytes(), 0usize..400).prop_map(|(bytes, end)| Step::Start { bytes, end }),
        6 => (0usize..8, bytes()).prop_map(|(which, bytes)| Step::End { which, bytes }),
        4 => Just(Step::Sync),
        2 => Just(Step::Maintain),
        4 => (1usize..2000).prop_map(Step::Read),
        2 => Just(Step::Release),
        2 => faults,
        2 => Just(Step::Kill),
        2 => any::<u64>().prop_map(Step::LosePower),
        1 => Just(Step::Close),
    ];
    prop::collection::vec(step, 1..60)
}

struct Accepted {
    sequence: u64,
    payload: Bytes,
    is_durable: bool,
}

/// A journal, and what it should hold.
struct Machine {
    disk: Arc<ModelDisk>,
    durability: Durability,
    journal: Option<Journal>,
    reader: Option<Reader>,
    reservations: Vec<(Reservation, usize)>,
    accepted: Vec<Accepted>,
    /// The number of frames of `accepted` that the reader returned.
    read: usize,
    /// The last sequence number that was released.
    released: u64,
    /// The number of frames of `accepted` that the journal had when it was opened. It does not sync them.
    recovered: usize,
    appended: u64,
    had_faults: bool,
}

impl Machine {
    fn new(durability: Durability) -> Self {
        let mut machine = Self {
            disk: Arc::default(),
            durability,
            journal: None,
            reader: None,
            reservations: Vec::new(),
            accepted: Vec::new(),
            read: 0,
            released: 0,
            recovered: 0,
            appended: 0,
            had_faults: false,
        };
        machine.open();
        machine
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Start { bytes, end } => self.start(bytes, end),
            Step::End { which, bytes } => self.end(which, bytes),
            Step::Sync => self.sync(),
            Step::Maintain => drop(self.journal().maintain()),
            Step::Read(bytes) => self.read(bytes),
            Step::Release => self.release(),
            Step::Fail(faults) => {
                self.had_faults = true;
                self.disk.set_faults(faults);
            }
            Step::Kill => self.reopen(None),
            Step::LosePower(random) => self.reopen(Some(random)),
            Step::Close => self.close(),
        }
    }

    fn journal(&self) -> &Journal {
        self.journal.as_ref().expect("is open")
    }

    fn payload(&mut self, bytes: usize) -> Bytes {
        self.appended += 1;
        let mut payload = vec![b'x'; bytes];
        payload[..8].copy_from_slice(&self.appended.to_be_bytes());
        payload.into()
    }

    fn accept(&mut self, sequence: u64, payload: Bytes) {
        assert!(self.accepted.last().is_none_or(|last| last.sequence < sequence), "numbers grow");
        assert!(sequence > self.released);
        self.accepted.push(Accepted { sequence, payload, is_durable: false });
    }

    fn start(&mut self, bytes: usize, end: usize) {
        let payload = self.payload(bytes);
        let end_bytes = FRAME_OVERHEAD + 8 + end as u64;
        let Ok((sequence, reservation)) = self.journal().append_start(1, payload.clone(), end_bytes) else {
            return;
        };
        self.accept(sequence, payload);
        self.reservations.push((reservation, 8 + end));
    }

    fn end(&mut self, which: usize, bytes: usize) {
        if self.reservations.is_empty() {
            return;
        }
        let which = which % self.reservations.len();
        let (mut reservation, reserved) = self.reservations.swap_remove(which);
        let payload = self.payload(bytes);
        match self.journal().append_end(2, payload.clone(), &mut reservation) {
            Ok(sequence) => self.accept(sequence, payload),
            Err(AppendError::Full { .. }) => assert!(bytes > reserved, "an end has its place"),
            Err(_) => self.reservations.push((reservation, reserved)),
        }
    }

    fn sync(&mut self) {
        if let Ok(through) = self.journal().sync() {
            let last = self.accepted.last().map_or(0, |last| last.sequence);
            assert!(through >= last || self.journal().stats().last < through + 1);
            self.mark_durable(through);
        } else if self.durability == Durability::Process {
            // What is no longer in memory cannot be written again.
            self.recovered = self.accepted.len();
        }
    }

    fn mark_durable(&mut self, through: u64) {
        for frame in self.accepted[self.recovered..].iter_mut().filter(|frame| frame.sequence <= through) {
            frame.is_durable = true;
        }
    }

    fn read(&mut self, bytes: usize) {
        let batch = self.reader.as_mut().expect("is open").read(bytes).expect("reads");
        assert_eq!(batch.damage, []);
        for frame in &batch.frames {
            let expected = &self.accepted[self.read];
            assert_eq!((frame.head.sequence, &frame.payload), (expected.sequence, &expected.payload));
            self.read += 1;
        }
        let is_all = self.read == self.accepted.len();
        assert!(is_all || !batch.frames.is_empty(), "there is more to read");
    }

    fn release(&mut self) {
        if let Some(last) = self.read.checked_sub(1) {
            self.released = self.released.max(self.accepted[last].sequence);
            let _ = self.journal().release(self.released);
        }
    }

    fn close(&mut self) {
        let result = self.journal().close();
        if result.is_ok() {
            self.mark_durable(self.journal().stats().last);
        }
        let was_closed = result.is_ok();
        let recovery = self.reopen_with(None);
        assert!(!was_closed || recovery.was_closed);
    }

    fn reopen(&mut self, power_loss: Option<u64>) {
        self.reopen_with(power_loss);
    }

    /// The process dies, and the power too if there is a seed for what the disk keeps.
    fn reopen_with(&mut self, power_loss: Option<u64>) -> Recovery {
        self.reservations.clear();
        (self.journal, self.reader) = (None, None);
        if let Some(random) = power_loss {
            self.had_faults = true;
            self.disk.lose_power(random);
        }
        let recovery = self.open();
        let mut reader = self.journal().reader(self.released);
        let (frames, damage) = read_all(&mut reader);
        assert_eq!(damage, []);
        let unreleased = self.accepted.iter().filter(|frame| frame.sequence > self.released);
        let mut found = frames.iter().peekable();
        let mut survivors = Vec::new();
        for frame in unreleased {
            let is_found = found.next_if(|found| found.head.sequence == frame.sequence);
            if let Some(found) = is_found {
                assert_eq!(found.payload, frame.payload);
                survivors.push(Accepted { payload: frame.payload.clone(), ..*frame });
            } else {
                assert!(power_loss.is_some(), "{} was lost by a kill: {recovery:?}", frame.sequence);
                assert!(!frame.is_durable, "{} was lost by a power loss: {recovery:?}", frame.sequence);
            }
        }
        if let Some(unknown) = found.next() {
            // The disk may keep what was appended, but refused, only if it failed to take it back.
            panic!("{:?} was not accepted or comes twice: {recovery:?}", unknown.head);
        }
        if power_loss.is_none() && !self.had_faults {
            assert_eq!(recovery.damage, []);
        }
        (self.recovered, self.accepted, self.read) = (survivors.len(), survivors, 0);
        self.reader = Some(self.journal().reader(self.released));
        recovery
    }

    /// Opens the journal, if need be after the disk has stopped to fail.
    fn open(&mut self) -> Recovery {
        let open = || Journal::open_on(self.disk.clone(), options(self.durability));
        let (journal, recovery) = open().unwrap_or_else(|_| {
            self.disk.set_faults(Faults::default());
            open().expect("opens on a disk that works")
        });
        self.reader = Some(journal.reader(self.released));
        self.journal = Some(journal);
        recovery
    }
}

fn run(durability: Durability, steps: &[Step]) {
    let mut machine = Machine::new(durability);
    for step in steps {
        machine.step(step);
    }
    machine.reopen(None);
}

proptest! {
    #[test]
    fn what_is_durable_survives_a_power_loss(steps in steps()) {
        run(Durability::Power, &steps);
    }

    #[test]
    fn what_is_accepted_survives_a_kill(steps in steps()) {
        run(Durability::Process, &steps);
    }
}

/// The sectors that a power loss keeps of the refused frame and of the next one make the refused one whole.
#[test]
fn a_refused_frame_is_not_completed_by_the_next_one() {
    let start = |bytes| Step::Start { bytes, end: 0 };
    let fail = Step::Fail(Faults { healthy: 1, failing: 1, ..Faults::default() });
    for random in 0..400 {
        let steps =
            [start(58), Step::Sync, fail.clone(), start(19), start(78), start(78), Step::LosePower(random)];
        run(Durability::Process, &steps);
    }
}
