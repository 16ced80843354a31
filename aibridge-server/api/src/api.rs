//! The entry point: one method that serves every endpoint.

use crate::error::ApiError;
use crate::parameters::QueryParameters;
use crate::reader::Reader;
use crate::{Endpoint, document, interceptions, keys, sessions, usage};
use aibridge_provider::Provider;
use aibridge_store::StoreOptions;
use bytes::Bytes;
use std::sync::Arc;
use tokio_util::task::TaskTracker;

/// Serves the endpoints of the API from the store and the providers in force.
pub struct Api {
    reader: Reader,
    document: Bytes,
}

impl Api {
    /// Creates an API that reads records from `store`, on blocking threads that `tasks` tracks.
    pub fn new(store: StoreOptions, tasks: TaskTracker) -> Self {
        Self { reader: Reader::new(store, tasks), document: document::text() }
    }

    /// Returns the JSON body of the response to `endpoint` with the query string `query`.
    ///
    /// `providers` are the providers in force; only [`Endpoint::Keys`] reads them.
    ///
    /// # Errors
    ///
    /// [`ApiError::InvalidParameter`], [`ApiError::QueryTooBroad`], [`ApiError::UnknownInterception`],
    /// [`ApiError::TooManyReaders`], [`ApiError::RecordsTooSlow`], [`ApiError::RecordsUnavailable`].
    pub async fn respond(
        &self,
        endpoint: &Endpoint,
        query: Option<&str>,
        providers: &[Arc<dyn Provider>],
    ) -> Result<Bytes, ApiError> {
        match endpoint {
            Endpoint::Document => QueryParameters::new(query).finish().map(|()| self.document.clone()),
            Endpoint::Interceptions => interceptions::list(&self.reader, query).await,
            Endpoint::Interception(id) => interceptions::show(&self.reader, id, query).await,
            Endpoint::Usage => usage::usage(&self.reader, query).await,
            Endpoint::Sessions => sessions::list(&self.reader, query).await,
            Endpoint::Keys => keys::list(providers, query),
        }
    }
}
