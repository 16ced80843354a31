//! The command `export`: writes interceptions as JSON lines, CSV or Parquet.

mod parquet;

use crate::args::records::{ExportArgs, ExportFormat};
use crate::records::error::{RecordsError, ignore_closed_pipe};
use crate::records::flat;
use aibridge_store::{Filter, FullInterception, Order, Records, StoreOptions};
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Runs `aibridge export`: writes to the standard output, or to a file that appears only when it is complete. Shows a
/// progress bar on stderr if that is a terminal.
///
/// # Errors
///
/// If the store cannot be read, or the output cannot be written.
pub fn export(args: &ExportArgs, options: StoreOptions) -> Result<(), RecordsError> {
    let records = Records::open(options)?;
    let Some(path) = &args.output else {
        if args.format == ExportFormat::Parquet && io::stdout().is_terminal() {
            return Err(RecordsError::Terminal);
        }
        return ignore_closed_pipe(write(args, &records, io::stdout()));
    };
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.clone()); // writes to the target of a link, so that the link stays
    let failed = |source| RecordsError::File { file: path.display().to_string(), source };
    if is_special(path) {
        let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
        return ignore_closed_pipe(write(args, &records, file));
    }
    let part = part(path);
    let file = create_private(&part).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => RecordsError::PartExists(part.display().to_string()),
        _ => failed(error),
    })?;
    let written = write(args, &records, file).and_then(|()| fs::rename(&part, path).map_err(failed));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

/// Writes one interception after another in the format of the export.
enum RowWriter<W: Write + Send> {
    Jsonl(W),
    Csv(Box<csv::Writer<W>>),
    Parquet(Box<parquet::ParquetWriter<W>>),
}

impl<W: Write + Send> RowWriter<W> {
    fn new(format: ExportFormat, out: W) -> Result<Self, RecordsError> {
        Ok(match format {
            ExportFormat::Jsonl => Self::Jsonl(out),
            ExportFormat::Csv => {
                // The writer scans a field again from each full buffer: a small one makes long fields quadratic.
                let mut writer = csv::WriterBuilder::new().buffer_capacity(1 << 20).from_writer(out);
                writer.write_record(flat::COLUMNS.iter().map(|(name, _)| name))?;
                Self::Csv(Box::new(writer))
            }
            ExportFormat::Parquet => Self::Parquet(Box::new(parquet::ParquetWriter::new(out)?)),
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
    let filter = Filter::try_from(&args.filter)?;
    let progress = progress(args, records, &filter)?;
    let mut writer = RowWriter::new(args.format, BufWriter::new(out))?;
    let mut written = 0;
    records.full(&filter, Order::OldestFirst, |found| {
        writer.add(&found)?;
        written += 1;
        if written % PROGRESS_STEP == 0 {
            progress.set_position(written);
        }
        Ok::<_, RecordsError>(true)
    })?;
    writer.finish()
}

/// The number of rows between two updates of the progress bar.
const PROGRESS_STEP: u64 = 256;

/// The most redraws of the progress bar in a second.
const MAX_REDRAWS: u8 = 5;

/// Creates the progress bar, which disappears when it is dropped. It is hidden, and the rows are not counted, unless stderr
/// is a terminal that does not show the rows as well.
fn progress(args: &ExportArgs, records: &Records, filter: &Filter) -> Result<ProgressBar, RecordsError> {
    let shows_rows = args.output.is_none() && io::stdout().is_terminal();
    if shows_rows || !io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let counting = bar(None, "counting ...");
    counting.tick();
    let count = records.count(filter)?;
    drop(counting);
    let width = HumanCount(count).to_string().len(); // keeps the bar at the same column
    let template =
        format!("{{percent:>3}}% {{wide_bar}} {{human_pos:>{width}}} of {{human_len}}, {{eta:>3}} left");
    Ok(bar(Some(count), &template))
}

fn bar(count: Option<u64>, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(count, ProgressDrawTarget::stderr_with_hz(MAX_REDRAWS))
        .with_finish(ProgressFinish::AndClear)
        .with_style(style)
}

/// Whether `path` is a device or a pipe. The export writes to it directly instead of replacing it by a file.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Returns the path of the partial file.
fn part(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Creates a file that only its owner can read, because it will hold prompts. Fails if the path exists, as a link too.
fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
