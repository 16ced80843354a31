//! Writes a Parquet file with a row for each interception.

use crate::records::flat::{COLUMNS, Cell, Kind};
use parquet::basic::{
    Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel,
};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::io::Write;
use std::sync::Arc;

/// The most rows of a row group, which is held in memory until it is written.
const MAX_ROWS: usize = 10_000;
/// About the most bytes of a row group.
const MAX_BYTES: usize = 16 << 20;

/// Writes a Parquet file with the columns of [`COLUMNS`].
pub(super) struct ParquetWriter<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    rows: Vec<Vec<Cell>>,
    bytes: usize,
}

impl<W: Write + Send> ParquetWriter<W> {
    pub(super) fn new(out: W) -> Result<Self, ParquetError> {
        let properties =
            WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let writer = SerializedFileWriter::new(out, schema()?, Arc::new(properties))?;
        Ok(Self { writer, rows: Vec::new(), bytes: 0 })
    }

    pub(super) fn add(&mut self, row: Vec<Cell>) -> Result<(), ParquetError> {
        self.bytes += row.iter().map(Cell::bytes).sum::<usize>();
        self.rows.push(row);
        if self.rows.len() >= MAX_ROWS || self.bytes >= MAX_BYTES { self.write_group() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> Result<(), ParquetError> {
        if !self.rows.is_empty() {
            self.write_group()?;
        }
        self.writer.finish()?;
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        let mut index = 0;
        while let Some(mut column) = group.next_column()? {
            let cells = self.rows.iter_mut().filter_map(|row| row.get_mut(index));
            write_column(column.untyped(), cells)?;
            column.close()?;
            index += 1;
        }
        group.close()?;
        self.rows.clear();
        self.bytes = 0;
        Ok(())
    }
}

/// Writes the cells of one column. The definition level of a missing value is 0.
fn write_column<'a>(
    writer: &mut ColumnWriter<'_>,
    cells: impl Iterator<Item = &'a mut Cell>,
) -> Result<(), ParquetError> {
    let (mut levels, mut texts, mut flags, mut numbers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for cell in cells {
        let value = match cell {
            Cell::Text(text) => text.take().map(|text| texts.push(ByteArray::from(text.into_bytes()))),
            Cell::Flag(flag) => Some(*flag).map(|flag| flags.push(flag)),
            Cell::Number(number) => number.map(|number| numbers.push(number)),
            Cell::Time(at) => at.map(|at| numbers.push(at.as_millisecond())),
        };
        levels.push(i16::from(value.is_some()));
    }
    match writer {
        ColumnWriter::ByteArrayColumnWriter(writer) => writer.write_batch(&texts, Some(&levels), None),
        ColumnWriter::BoolColumnWriter(writer) => writer.write_batch(&flags, Some(&levels), None),
        ColumnWriter::Int64ColumnWriter(writer) => writer.write_batch(&numbers, Some(&levels), None),
        _ => return Err(ParquetError::General("a column of a type that is not used".to_owned())),
    }
    .map(drop)
}

fn schema() -> Result<Arc<Type>, ParquetError> {
    let columns = COLUMNS.iter().map(|(name, kind)| {
        let (physical, logical) = match kind {
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json)),
            Kind::Flag => (Physical::BOOLEAN, None),
            Kind::Number => (Physical::INT64, None),
            Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        };
        let column = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .with_converted_type(ConvertedType::NONE);
        column.build().map(Arc::new)
    });
    let columns = columns.collect::<Result<_, _>>()?;
    Type::group_type_builder("interception").with_fields(columns).build().map(Arc::new)
}
