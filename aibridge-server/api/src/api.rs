//! The entry point: one method that serves every endpoint.

use crate::call::{Call, Reply};
use crate::endpoint::Endpoint;
use crate::error::ApiError;
use crate::live::ChangeFeed;
use crate::reader::Reader;
use crate::{
    budgets, contents, document, facets, interceptions, keys, providers, sessions, status, timeline, tokens,
    tools, totals, usage,
};
use aibridge_api_parameters::QueryParameters;
use aibridge_store::StoreOptions;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Serves the endpoints of the API from the store and the providers in force.
pub struct Api {
    reader: Reader,
    changes: ChangeFeed,
    zone: TimeZone,
}

impl Api {
    /// Creates an API that reads records from `store`, on blocking threads that `tasks` tracks. Waiting calls end when
    /// `stopping` is cancelled. Days begin at midnight in `zone` if a request names no zone.
    pub fn new(store: StoreOptions, tasks: TaskTracker, stopping: CancellationToken, zone: TimeZone) -> Self {
        Self { reader: Reader::new(store, tasks), changes: ChangeFeed::new(stopping), zone }
    }

    /// Returns the response to `call`. The server has checked that the caller has the access that the endpoint needs.
    ///
    /// # Errors
    ///
    /// An [`ApiError`], which the server renders.
    pub async fn respond(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let Call { endpoint, query, .. } = call;
        let (reader, zone) = (&self.reader, &self.zone);
        match endpoint {
            Endpoint::Document => {
                QueryParameters::new(*query).finish()?;
                Ok(Reply::json(document::text()))
            }
            Endpoint::Status => status::status(reader, call, zone).await,
            Endpoint::Interceptions(scope) => {
                interceptions::list(reader, *query, call.only_user(*scope)).await.map(Reply::json)
            }
            Endpoint::Interception(scope, id) => {
                interceptions::show(reader, id, *query, call.only_user(*scope)).await.map(Reply::json)
            }
            Endpoint::Content(scope, path) => {
                contents::show(reader, path, *query, call.only_user(*scope)).await
            }
            Endpoint::Usage => usage::usage(reader, *query, zone).await.map(Reply::json),
            Endpoint::Totals(scope) => {
                totals::totals(reader, *query, call.only_user(*scope), zone).await.map(Reply::json)
            }
            Endpoint::Tools(scope) => {
                tools::list(reader, *query, call.only_user(*scope)).await.map(Reply::json)
            }
            Endpoint::Facets(scope) => {
                facets::list(reader, *query, call.only_user(*scope)).await.map(Reply::json)
            }
            Endpoint::Sessions(scope) => {
                sessions::list(reader, *query, call.only_user(*scope)).await.map(Reply::json)
            }
            Endpoint::Session(scope, id) => {
                sessions::show(reader, id, *query, call.only_user(*scope)).await.map(Reply::json)
            }
            Endpoint::Timeline(scope, id) => {
                timeline::list(reader, id, *query, call.only_user(*scope)).await.map(Reply::json)
            }
            Endpoint::Search(scope, id) => {
                timeline::search(reader, id, *query, call.only_user(*scope)).await.map(Reply::json)
            }
            Endpoint::Live(scope) => {
                self.changes.wait(reader, *query, call.only_user(*scope)).await.map(Reply::json)
            }
            Endpoint::Keys => keys::list(call.gateway.providers, *query).map(Reply::json),
            Endpoint::KeyRevival => keys::revive(call),
            Endpoint::Providers => providers::list(call),
            Endpoint::Budgets => budgets::list(call),
            Endpoint::Me => budgets::own(call),
            Endpoint::Tokens => tokens::list_or_create(reader, call).await,
            Endpoint::Token(id) => tokens::revoke(reader, call, id).await,
        }
    }
}
