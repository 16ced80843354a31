mod parquet;

use super::{RecordsError, flat, unless_nobody_reads};
use crate::cli::records::{ExportArgs, ExportFormat};
use aibridge_store::{Filter, FullInterception, Order, Records, StoreOptions};
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// `aibridge export`: to the standard output, or to a file that is there only once it is whole. A bar on stderr shows
/// people how far it is.
///
/// # Errors
///
/// When the store cannot be read, or the output takes nothing.
pub fn export(args: &ExportArgs, options: StoreOptions) -> Result<(), RecordsError> {
    let records = Records::open(options)?;
    let Some(path) = &args.output else {
        if args.format == ExportFormat::Parquet && io::stdout().is_terminal() {
            return Err(RecordsError::Terminal);
        }
        return unless_nobody_reads(write(args, &records, io::stdout()));
    };
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.clone()); // a link stays one
    let failed = |source| RecordsError::File { file: path.display().to_string(), source };
    if is_special(path) {
        let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
        return unless_nobody_reads(write(args, &records, file));
    }
    let part = part(path);
    let file = private(&part).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => RecordsError::PartExists(part.display().to_string()),
        _ => failed(error),
    })?;
    let written = write(args, &records, file).and_then(|()| fs::rename(&part, path).map_err(failed));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

/// One form of an export, written row by row.
enum Sink<W: Write + Send> {
    Jsonl(W),
    Csv(Box<csv::Writer<W>>),
    Parquet(Box<parquet::Table<W>>),
}

impl<W: Write + Send> Sink<W> {
    fn new(format: ExportFormat, out: W) -> Result<Self, RecordsError> {
        Ok(match format {
            ExportFormat::Jsonl => Self::Jsonl(out),
            ExportFormat::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                writer.write_record(flat::COLUMNS.iter().map(|(name, _)| name))?;
                Self::Csv(Box::new(writer))
            }
            ExportFormat::Parquet => Self::Parquet(Box::new(parquet::Table::new(out)?)),
        })
    }

    fn add(&mut self, found: &FullInterception) -> Result<(), RecordsError> {
        match self {
            Self::Jsonl(out) => {
                serde_json::to_writer(&mut *out, found)?;
                out.write_all(b"\n")?;
            }
            Self::Csv(writer) => {
                writer.write_record(flat::row(found)?.iter().map(flat::Cell::to_text))?;
            }
            Self::Parquet(table) => table.add(flat::row(found)?)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<(), RecordsError> {
        match self {
            Self::Jsonl(mut out) => out.flush()?,
            Self::Csv(mut writer) => writer.flush()?,
            Self::Parquet(table) => table.finish()?,
        }
        Ok(())
    }
}

fn write(args: &ExportArgs, records: &Records, out: impl Write + Send) -> Result<(), RecordsError> {
    let filter = Filter::from(&args.filter);
    let progress = progress(args, records, &filter)?;
    let mut sink = Sink::new(args.format, BufWriter::new(out))?;
    let mut written = 0;
    records.full(&filter, Order::OldestFirst, |found| {
        sink.add(&found)?;
        written += 1;
        if written % STEP == 0 {
            progress.set_position(written);
        }
        Ok::<_, RecordsError>(true)
    })?;
    sink.finish()
}

/// After how many rows the bar moves: a few tell nothing about how long all of them take.
const STEP: u64 = 256;

/// How often the bar is drawn in a second, at most.
const DRAWS: u8 = 5;

/// Nothing is counted for a bar that nobody sees, or that would stand between the rows. It is gone when it is dropped.
fn progress(args: &ExportArgs, records: &Records, filter: &Filter) -> Result<ProgressBar, RecordsError> {
    let stands_between_rows = args.output.is_none() && io::stdout().is_terminal();
    if stands_between_rows || !io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let counting = bar(None, "counting ...");
    counting.tick();
    let count = records.count(filter)?;
    drop(counting);
    let width = HumanCount(count).to_string().len(); // so that the bar keeps its place
    let template =
        format!("{{percent:>3}}% {{wide_bar}} {{human_pos:>{width}}} of {{human_len}}, {{eta:>3}} left");
    Ok(bar(Some(count), &template))
}

fn bar(count: Option<u64>, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(count, ProgressDrawTarget::stderr_with_hz(DRAWS))
        .with_finish(ProgressFinish::AndClear)
        .with_style(style)
}

/// A device or a pipe is written to as it is: a file in its place would take it away from everyone.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

fn part(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// A new file that only its owner can read: it will hold prompts. What is there already, a link too, is left alone.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
