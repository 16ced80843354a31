//! Reading and writing the case files of `tests/cases`.

use super::{Case, Outcome, segmentation};
use aibridge_testkit::Txtar;
use std::path::Path;

/// The request and the response of a case, without its expectation.
pub(super) fn case(name: &str, archive: &Txtar) -> Case {
    let (section, streaming) = match archive.get("streaming") {
        Some(_) => ("streaming", true),
        None => ("non-streaming", false),
    };
    let headers = archive.get("headers").unwrap_or_default().lines();
    let headers = headers.map(|line| line.split_once(": ").unwrap());
    Case {
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ..Case::new(name, archive.section("request").to_owned(), archive.section(section), streaming)
    }
}

/// The outcome that the file expects.
pub(super) fn expected(case: &Case, archive: &Txtar) -> Outcome {
    Outcome {
        upstream: archive.get("upstream").unwrap_or(&case.request).to_owned(),
        client: archive.get("client").unwrap_or(segmentation::body(&case.response)).to_owned(),
        records: serde_json::from_str(archive.section("records")).unwrap(),
    }
}

/// Whether `AIBRIDGE_BLESS` is set, so that outcomes are written into the case files. Review the difference before you
/// commit it.
#[expect(clippy::disallowed_methods, reason = "the switch is an environment variable")]
pub(super) fn is_blessing() -> bool {
    std::env::var_os("AIBRIDGE_BLESS").is_some_and(|value| value == "1")
}

/// Writes `outcome` into the file of the case, and returns the new archive.
pub(super) fn write(dir: &Path, case: &Case, mut archive: Txtar, outcome: &Outcome) -> Txtar {
    let Outcome { upstream, client, records } = outcome;
    set(&mut archive, "records", Some(format!("{records:#}\n")));
    set(&mut archive, "client", (client != segmentation::body(&case.response)).then(|| client.clone()));
    set(&mut archive, "upstream", (*upstream != case.request).then(|| upstream.clone()));
    let mut text = archive.comment.clone();
    for (name, content) in &archive.sections {
        assert!(text.is_empty() || text.ends_with('\n'), "{}: no line end before {name:?}", case.name);
        text.push_str(&format!("-- {name} --\n{content}"));
    }
    std::fs::write(dir.join(format!("{}.txtar", case.name)), text).unwrap();
    archive
}

/// Replaces or removes a section. A new section follows the request, so that a response without a final newline stays
/// last.
fn set(archive: &mut Txtar, name: &str, content: Option<String>) {
    let place = archive.sections.iter().position(|(section, _)| section == name);
    match (place, content) {
        (Some(place), Some(content)) => archive.sections[place].1 = content,
        (Some(place), None) => drop(archive.sections.remove(place)),
        (None, Some(content)) => {
            let request = archive.sections.iter().position(|(section, _)| section == "request").unwrap();
            archive.sections.insert(request + 1, (name.to_owned(), content));
        }
        (None, None) => {}
    }
}
