use crate::error::ApiError;
use crate::parameters::Sent;
use crate::reader::Reader;
use crate::{Endpoint, document, interceptions, keys, sessions, usage};
use aibridge_provider::Provider;
use aibridge_store::StoreOptions;
use bytes::Bytes;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// What is needed to answer.
pub struct Api {
    reader: Reader,
    document: Bytes,
}

impl Api {
    /// Answers from the records of the store, read by `tasks`.
    pub fn new(store: StoreOptions, tasks: TaskTracker) -> Self {
        Self { reader: Reader::new(store, tasks), document: document::text() }
    }

    /// The JSON that answers, about these providers.
    ///
    /// # Errors
    ///
    /// [`ApiError::InvalidParameter`], [`ApiError::QueryTooBroad`], [`ApiError::UnknownInterception`],
    /// [`ApiError::TooManyReaders`], [`ApiError::RecordsTooSlow`], [`ApiError::RecordsUnavailable`].
    pub async fn answer(
        &self,
        endpoint: &Endpoint,
        query: Option<&str>,
        providers: &[Arc<dyn Provider>],
    ) -> Result<Bytes, ApiError> {
        match endpoint {
            Endpoint::Document => Sent::new(query).finish().map(|()| self.document.clone()),
            Endpoint::Interceptions => interceptions::list(&self.reader, query).await,
            Endpoint::Interception(id) => interceptions::show(&self.reader, id, query).await,
            Endpoint::Usage => usage::usage(&self.reader, query).await,
            Endpoint::Sessions => sessions::list(&self.reader, query).await,
            Endpoint::Keys => keys::list(providers, query),
        }
    }
}
