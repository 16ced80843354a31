//! The spool of earlier versions: files of records that waited for PostgreSQL. A start moves them to the journal.

use crate::journals::SPOOL_EXTENSION;
use aibridge_journal::Journal;
use aibridge_recorder::{
    ErrorType, ExtraValue, Interception, InterceptionEnd, ObjectOwner, Outcome, Reasoning, ReasoningSource,
    Record, TokenUsage, ToolUsage, UserPrompt,
};
use aibridge_store_core::{StoreError, payload};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// Size of the header of a frame: the length of the payload and its CRC-32, both 32 bits little-endian.
const HEADER_BYTES: usize = 8;

/// Maximum length of a payload.
const MAX_PAYLOAD_BYTES: u32 = 1 << 30;

/// Appends all records of the spool in `directory` to the journal, file by file, and removes the files. A file that
/// holds something else is kept, with another extension.
///
/// # Errors
///
/// [`StoreError::Journal`] if the journal has no room: start again with a larger one.
pub fn migrate(directory: &Path, journal: &Journal) -> Result<(), StoreError> {
    let failed = |path: &Path, error: &dyn std::fmt::Display| {
        StoreError::Journal(format!("cannot move the old spool {} to the journal: {error}", path.display()))
    };
    let files = files(directory).map_err(|error| failed(directory, &error))?;
    for path in files {
        let (calls, is_whole) = read(&path).map_err(|error| failed(&path, &error))?;
        for records in &calls {
            let payload = payload::records(records).map_err(|error| failed(&path, &error))?;
            journal.append(payload::RECORDS, payload).map_err(|error| failed(&path, &error))?;
        }
        journal.sync().map_err(|error| failed(&path, &error))?;
        tracing::info!(file = %path.display(), calls = calls.len(), "moved records of the old spool to the journal");
        let done = if is_whole {
            fs::remove_file(&path)
        } else {
            tracing::error!(file = %path.display(), "a file of the old spool is damaged: what is readable is recorded, and the file is kept");
            fs::rename(&path, path.with_extension("damaged"))
        };
        done.map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}

fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == SPOOL_EXTENSION) {
            files.push(path);
        }
    }
    files.sort_unstable(); // the names are numbers of the same length
    Ok(files)
}

/// The records of each call in a file, and whether the whole file was readable.
fn read(path: &Path) -> io::Result<(Vec<Vec<Record>>, bool)> {
    let mut file = BufReader::new(File::open(path)?);
    let mut calls = Vec::new();
    loop {
        let mut header = [0; HEADER_BYTES];
        match fill(&mut file, &mut header)? {
            0 => return Ok((calls, true)),
            HEADER_BYTES => {}
            _ => return Ok((calls, false)),
        }
        let [a, b, c, d, e, f, g, h] = header;
        let (len, crc) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        let mut payload = Vec::new();
        (&mut file).take(len.min(MAX_PAYLOAD_BYTES).into()).read_to_end(&mut payload)?;
        if payload.len() as u64 != u64::from(len) || crc32fast::hash(&payload) != crc {
            return Ok((calls, false));
        }
        match records(&payload) {
            Ok(records) => calls.push(records),
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

/// Reads until `buffer` is full or the file ends; returns the number of bytes.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// The records in the JSON rows of one call: an array of rows for each table. Earlier versions wrote fewer arrays.
fn records(payload: &[u8]) -> serde_json::Result<Vec<Record>> {
    let tables: Vec<Vec<&RawValue>> = serde_json::from_slice(payload)?;
    let mut records = Vec::new();
    for (table, rows) in tables.into_iter().enumerate() {
        for row in rows {
            let row = row.get();
            records.extend(match table {
                0 => Some(Record::Start(serde_json::from_str::<Interception>(row)?.into())),
                1 => Some(Record::Prompt(serde_json::from_str::<UserPrompt>(row)?)),
                2 => Some(Record::TokenUsage(token_usage(row)?)),
                3 => Some(Record::ToolUsage(Box::new(tool_usage(row)?))),
                4 => Some(Record::Reasoning(reasoning(row)?)),
                5 => Some(Record::End(end(row)?)),
                6 => Some(Record::Owner(serde_json::from_str::<ObjectOwner>(row)?)),
                _ => None,
            });
        }
    }
    Ok(records)
}

/// The `metadata` column of tool usages and reasoning.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    source: Option<ReasoningSource>,
    truncated: bool,
}

/// The row as a map, without `columns`, which have another form in the record.
fn without(row: &str, columns: &[&str]) -> serde_json::Result<serde_json::Map<String, serde_json::Value>> {
    let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(row)?;
    columns.iter().for_each(|column| drop(fields.remove(*column)));
    Ok(fields)
}

fn token_usage(row: &str) -> serde_json::Result<TokenUsage> {
    #[derive(Deserialize)]
    struct Extra<'a> {
        #[serde(borrow)]
        extra_token_types: BTreeMap<String, &'a RawValue>,
    }
    let Extra { mut extra_token_types } = serde_json::from_str(row)?;
    let cost = extra_token_types.remove("cost").map(|cost| cost.get().to_owned());
    let counts =
        extra_token_types.into_iter().map(|(name, count)| Ok((name, serde_json::from_str(count.get())?)));
    let counts: serde_json::Result<BTreeMap<String, ExtraValue>> = counts.collect();
    let mut fields = without(row, &["extra_token_types"])?;
    fields.insert("extra_token_types".to_owned(), serde_json::to_value(counts?)?);
    fields.insert("cost".to_owned(), cost.into());
    serde_json::from_value(fields.into())
}

fn tool_usage(row: &str) -> serde_json::Result<ToolUsage> {
    let mut fields = without(row, &[])?;
    let metadata: Option<Metadata> = serde_json::from_value(fields.remove("metadata").unwrap_or_default())?;
    fields.insert("truncated".to_owned(), metadata.unwrap_or_default().truncated.into());
    serde_json::from_value(fields.into())
}

fn reasoning(row: &str) -> serde_json::Result<Reasoning> {
    let mut fields = without(row, &[])?;
    let metadata: Metadata = serde_json::from_value(fields.remove("metadata").unwrap_or_default())?;
    fields.insert("truncated".to_owned(), metadata.truncated.into());
    fields.insert("source".to_owned(), serde_json::to_value(metadata.source)?);
    serde_json::from_value(fields.into())
}

fn end(row: &str) -> serde_json::Result<InterceptionEnd> {
    let mut fields = without(row, &[])?;
    let id = fields.remove("id").unwrap_or_default();
    let error_type = fields.remove("error_type").filter(|error_type| !error_type.is_null());
    let error_type: Option<ErrorType> = error_type.map(serde_json::from_value).transpose()?;
    let outcome = match (fields.remove("outcome").as_ref().and_then(|outcome| outcome.as_str()), error_type) {
        (Some("completed"), _) => Outcome::Completed,
        (Some("cancelled"), _) => Outcome::Cancelled,
        (_, error_type) => Outcome::Failed(error_type.unwrap_or(ErrorType::GatewayError)),
    };
    fields.insert("interception_id".to_owned(), id);
    fields.insert("outcome".to_owned(), serde_json::to_value(outcome)?);
    serde_json::from_value(fields.into())
}
