//! Tests of the splitter: boundaries, NDJSON, and independence of the division into chunks.

use super::*;
use proptest::prelude::*;
use std::borrow::Cow;

fn split_with(mut splitter: Splitter, chunks: &[&[u8]]) -> (Vec<Event>, Vec<u8>) {
    let mut events = Vec::new();
    for chunk in chunks {
        splitter.push(Bytes::copy_from_slice(chunk));
        while let Some(event) = splitter.next_event() {
            events.push(event);
        }
    }
    (events, splitter.take_rest().to_vec())
}

fn split(chunks: &[&[u8]]) -> (Vec<Event>, Vec<u8>) {
    split_with(Splitter::default(), chunks)
}

fn raw(events: &[Event]) -> Vec<&[u8]> {
    events.iter().map(|event| &event.raw[..]).collect()
}

#[test]
fn events_end_with_a_blank_line_of_any_kind() {
    let table: &[(&[u8], &[&[u8]], &[u8])] = &[
        (b"data: a\n\ndata: b\n\n", &[b"data: a\n\n", b"data: b\n\n"], b""),
        (b"data: a\r\n\r\ndata: b\r\n\r\nx", &[b"data: a\r\n\r\n", b"data: b\r\n\r\n"], b"x"),
        (b"data: a\r\rdata: b\r\r:", &[b"data: a\r\r", b"data: b\r\r"], b":"),
        (b"data: a\n\r\nb", &[b"data: a\n\r\n"], b"b"),
        (b"data: a\r\n\nb", &[b"data: a\r\n\n"], b"b"),
        (b"data: [DONE]\n", &[], b"data: [DONE]\n"),
        (b"", &[], b""),
    ];
    for (stream, events, tail) in table {
        let (found, rest) = split(&[stream]);
        assert_eq!(raw(&found), *events, "{stream:?}");
        assert_eq!(&rest, tail, "{stream:?}");
    }
}

#[test]
fn comments_and_blank_lines_between_events_do_not_wait() {
    let table: &[(&[u8], &[&[u8]], &[u8])] = &[
        (b": ping\n", &[b": ping\n"], b""),
        (b": ping\n\n\ndata: a\n\n", &[b": ping\n", b"\n", b"\n", b"data: a\n\n"], b""),
        (b":\r\n\r\n", &[b":\r\n", b"\r\n"], b""),
        (b"event: a\n: ping\n", &[], b"event: a\n: ping\n"),
    ];
    for (stream, events, tail) in table {
        let (found, rest) = split(&[stream]);
        assert_eq!((raw(&found), &rest[..]), (events.to_vec(), *tail), "{stream:?}");
    }
}

#[test]
fn a_complete_data_line_ends_its_event_if_another_begins() {
    let table: &[(&[u8], &[&[u8]], &[u8])] = &[
        (b"data: {}\ndata: [DONE]\n", &[b"data: {}\n"], b"data: [DONE]\n"),
        (
            b"data: {}\r\nevent: a\r\ndata: {\"a\":1}\r\ndata: 1",
            &[b"data: {}\r\n", b"event: a\r\ndata: {\"a\":1}\r\n"],
            b"data: 1",
        ),
        (b"data: {}\nid: 1\ndata: {}\n\n", &[b"data: {}\nid: 1\n", b"data: {}\n\n"], b""),
        (b"data: [DONE]\rdata: x", &[b"data: [DONE]\r"], b"data: x"),
        (b"data: {\ndata: }\ndata: {}\n\n", &[b"data: {\ndata: }\ndata: {}\n\n"], b""),
        (b"data: text\ndata: more\n\n", &[b"data: text\ndata: more\n\n"], b""),
        (b"data: {}\ndatabase: x\n\n", &[b"data: {}\ndatabase: x\n\n"], b""),
        (b"event: a\nevent: b\ndata: x\n\n", &[b"event: a\nevent: b\ndata: x\n\n"], b""),
    ];
    for (stream, events, tail) in table {
        for cut in 0..=stream.len() {
            let (first, second) = stream.split_at(cut);
            let (found, rest) = split(&[first, second]);
            let about = String::from_utf8_lossy(stream);
            assert_eq!(found.concat_data(), expected_data(events), "{about:?} cut at {cut}");
            assert_eq!(&rest, tail, "{about:?} cut at {cut}");
        }
        assert_eq!(raw(&split(&[stream]).0), *events);
    }
}

trait ConcatData {
    fn concat_data(&self) -> Vec<Vec<u8>>;
}

impl ConcatData for Vec<Event> {
    fn concat_data(&self) -> Vec<Vec<u8>> {
        self.iter().filter_map(Event::data).map(Cow::into_owned).collect()
    }
}

fn expected_data(events: &[&[u8]]) -> Vec<Vec<u8>> {
    events.iter().map(|raw| Event::from(Bytes::copy_from_slice(raw))).collect::<Vec<_>>().concat_data()
}

#[test]
fn every_ndjson_line_is_an_event() {
    let (events, rest) = split_with(Splitter::ndjson(), &[b"{\"a\":", b"1}\r\n\n{\"b\":2}\n{"]);
    assert_eq!(raw(&events), [&b"{\"a\":1}\r\n"[..], b"\n", b"{\"b\":2}\n"]);
    assert_eq!(events.concat_data(), [&b"{\"a\":1}"[..], b"{\"b\":2}"]);
    assert_eq!(rest, b"{");
}

#[test]
fn data_lines_are_joined_and_one_space_is_dropped() {
    let table: &[(&str, Option<&str>)] = &[
        ("data: {\"a\":1}\n\n", Some("{\"a\":1}")),
        ("data:x\n\n", Some("x")),
        ("data:  x\n\n", Some(" x")),
        ("event: e\ndata: {\ndata: }\n\n", Some("{\n}")),
        ("data: a\r\ndata: b\r\n\r\n", Some("a\nb")),
        ("data\n\n", Some("")),
        ("database: x\n\n", None),
        (": data: x\n\n", None),
        ("\u{feff}data: x\n\n", Some("x")),
        ("{\"a\":1} \n", Some("{\"a\":1}")),
    ];
    for (raw, expected) in table {
        let event = Event::from(Bytes::from_static(raw.as_bytes()));
        assert_eq!(event.data().as_deref(), expected.map(str::as_bytes), "{raw:?}");
    }
    let event = Event::from(Bytes::from_static(b"event: a\ndata: x\nevent: b\n\n"));
    assert_eq!(event.event_type().as_deref(), Some(&b"b"[..]));
}

#[test]
fn events_within_a_chunk_are_not_copied() {
    let chunk = Bytes::from_static(b"data: a\n\ndata: b\n\n");
    let mut splitter = Splitter::default();
    splitter.push(chunk.clone());
    assert_eq!(splitter.next_event().unwrap().raw.as_ptr(), chunk.as_ptr());
    assert_eq!(splitter.next_event().unwrap().raw.as_ptr(), chunk[9..].as_ptr());
}

#[test]
fn an_event_that_ends_with_cr_does_not_wait_for_a_lf() {
    let (events, _) = split(&[b"data: a\r\r", b"data: b\r\n\r", b"\n", b"data: c\r\r"]);
    assert_eq!(raw(&events), [&b"data: a\r\r"[..], b"data: b\r\n\r", b"\n", b"data: c\r\r"]);
    assert_eq!(events.iter().map(Event::is_trailing_lf).collect::<Vec<_>>(), [false, false, true, false]);
}

/// A naive model that reads `stream` line by line: the type and data of each event that has data, and the unfinished
/// rest.
fn model(stream: &str) -> (Vec<(Option<String>, String)>, String) {
    let text = stream.replace("\r\n", "\n").replace('\r', "\n");
    let mut events = Vec::new();
    let (mut kind, mut data, mut rest) = (None, Vec::<String>::new(), String::new());
    let mut lines: Vec<&str> = text.split('\n').collect();
    let unfinished = lines.pop().unwrap_or_default();
    let begins = |line: &str| ["data:", "event:", ":"].iter().any(|name| line.starts_with(name));
    for line in lines.iter().copied().chain([unfinished]) {
        let is_finished = !std::ptr::eq(line, unfinished);
        let alone = data.len() == 1 && serde_json::from_str::<serde_json::Value>(&data[0]).is_ok();
        if begins(line) && alone {
            events.push((kind.take(), std::mem::take(&mut data).join("\n")));
            rest.clear();
        }
        if !is_finished {
            rest.push_str(line);
            break;
        }
        if line.is_empty() {
            let kind = kind.take();
            if !data.is_empty() {
                events.push((kind, std::mem::take(&mut data).join("\n")));
            }
            rest.clear();
            continue;
        }
        rest.push_str(line);
        rest.push('\n');
        let value = |name: &str| line.strip_prefix(name).map(|v| v.strip_prefix(' ').unwrap_or(v).to_owned());
        kind = value("event:").or(kind);
        data.extend(value("data:"));
    }
    (events, rest)
}

proptest! {
    #[test]
    fn cutting_changes_no_event(
        pieces in proptest::collection::vec(prop_oneof![
            Just("\n"), Just("\r"), Just("\r\n"), Just("\n\n"), Just("\r\n\r\n"), Just("data: {}"), Just("data:1"),
            Just("data: {\n"), Just("data: }\n"), Just("event: a"), Just(": c"), Just("x"), Just("id: 1"), Just("da"),
        ], 0..30),
        cuts in proptest::collection::vec(0usize..200, 0..12),
    ) {
        let stream = pieces.concat();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream.as_bytes()[pair[0]..pair[1]]).collect();

        let (events, rest) = split(&chunks);
        let mut joined = events.iter().map(|event| event.raw.to_vec()).collect::<Vec<_>>().concat();
        joined.extend_from_slice(&rest);
        prop_assert_eq!(&joined, stream.as_bytes());

        let text = |bytes: Cow<'_, [u8]>| String::from_utf8_lossy(&bytes).into_owned();
        let found: Vec<_> =
            events.iter().filter_map(|event| Some((event.event_type().map(text), text(event.data()?)))).collect();
        let (expected, _) = model(&stream);
        prop_assert_eq!(found, expected);
    }
}
