//! Runs an interception: start records, the interceptor, the end.

use crate::cost::CostMeter;
use crate::events::Timeline;
use crate::exchange::Exchange;
use crate::gateway::Gateway;
use crate::interceptor::Interceptor;
use crate::relay::{Downstream, ResponseBody};
use crate::trace;
use aibridge_error::{Error, ErrorResponse};
use http::Response;
use quanta::Instant;
use tracing::Instrument;

impl Gateway {
    /// Runs an interception and returns its response: the provider's, or that of an [`Error`].
    ///
    /// The interception runs in a task of its own. If the caller drops the future, or the response's body, that task
    /// notices at once and still stores the end records. `received` is the time at which the request was complete, by
    /// the gateway's [`clock`](Self::clock); the gateway's overhead counts from then. `cost_meter` finds
    /// the cost of the response.
    pub async fn intercept(
        &self,
        interceptor: Box<dyn Interceptor>,
        received: Instant,
        cost_meter: Box<dyn CostMeter>,
    ) -> Response<ResponseBody> {
        let (downstream, response) = Downstream::new(self.abort.clone());
        let timeline = Timeline::begin(self.clock.clone(), received);
        let (interception, format) = (interceptor.interception().clone(), interceptor.error_format());
        let id = interception.id;
        let exchange = Exchange::new(self, downstream, interception, timeline, cost_meter, format);
        self.tasks.spawn(run(exchange, interceptor).in_current_span());
        response.await.unwrap_or_else(|_| {
            ErrorResponse::from(Error::Internal).into_http(format, Some(id)).map(ResponseBody::from)
        })
    }
}

async fn run(mut exchange: Exchange, mut interceptor: Box<dyn Interceptor>) {
    if !exchange.record_start(interceptor.take_prompt()).instrument(trace::record_interception_span()).await {
        return exchange.refuse_start().await;
    }
    if let Err(error) = interceptor.process(&mut exchange).instrument(trace::process_request_span()).await {
        exchange.fail(error).await;
    }
    exchange.log_end().await;
}
