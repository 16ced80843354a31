//! Tests of the store through its API and through SQL, on SQLite and on PostgreSQL.

#[cfg(test)]
mod batches;
#[cfg(test)]
mod documentation;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod openings;
#[cfg(test)]
mod orphans;
#[cfg(test)]
mod owners;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod probes;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod removed_files;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod rollup;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tokens;
