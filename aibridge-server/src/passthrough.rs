//! Requests on passthrough routes: whose objects they name, what of them is read, and where they go.

use crate::body;
use crate::current::RuntimeSnapshot;
use crate::handler::App;
use crate::isolation::{Caller, Isolation};
use crate::limits::{Place, Placed};
use crate::route::Target;
use crate::sending::{Keeping, Sending};
use aibridge_intercept::call::CallBody;
use aibridge_intercept::mask;
use aibridge_intercept::passthrough::PassthroughTarget;
use aibridge_intercept::payload::Payload;
use aibridge_intercept::relay::AnswerBody;
use aibridge_intercept::{Actor, Error, RequestBody, trace};
use aibridge_provider::PassthroughRequest;
use axum::body::Body;
use http::HeaderMap;
use http::request::Parts;

/// A request on a passthrough route, of a known actor.
pub(crate) struct Request<'a> {
    /// The matching entry of the provider's routes.
    pub(crate) route: &'static str,
    /// Where it goes.
    pub(crate) target: Target,
    /// On whose behalf.
    pub(crate) actor: Actor,
    /// The client's, without what authenticated it.
    pub(crate) headers: HeaderMap,
    /// The permit that it has or will take.
    pub(crate) place: Place,
    /// Its head as it came.
    pub(crate) parts: &'a Parts,
    /// Its body, unread.
    pub(crate) body: &'a mut Body,
}

impl Request<'_> {
    /// Relays the request. If it is refused before the provider is called it has its line in the log too.
    pub(crate) async fn answer(
        self,
        app: &App,
        now: &RuntimeSnapshot,
    ) -> Result<http::Response<Placed<AnswerBody>>, Error> {
        let (provider, actor, parts) = (self.target.provider.clone(), self.actor.id.clone(), self.parts);
        let answered = self.pass_through(app, now).await;
        if let Err(error) = &answered {
            tracing::info!(
                actor,
                provider = provider.name(),
                method = %parts.method,
                path = trace::cut(&mask::text(parts.uri.path())),
                status = error.class().0.as_u16(),
                code = error.code(),
                "not passed through"
            );
        }
        answered
    }

    async fn pass_through(
        self,
        app: &App,
        now: &RuntimeSnapshot,
    ) -> Result<http::Response<Placed<AnswerBody>>, Error> {
        let Self { route, target: Target { provider, path, .. }, actor, headers, place, parts, body } = self;
        let credential = provider.credential(&headers)?;
        let caller = Caller { provider: provider.name(), actor: &actor.id, credential: credential.kind() };
        app.isolation.check(now, caller, provider.object_in_path(&path).as_slice()).await?;
        let limit = now.max_body_bytes;
        let Sending { body, kept } =
            if Isolation::applies(now, caller) && provider.may_refer_to_objects(&path) {
                let wire = app.unless_cut(body::read(body, limit)).await??;
                let read = RequestBody::decode(wire, &headers, limit)?;
                if !read.text.is_empty() {
                    app.isolation.check(now, caller, &provider.objects_in_body(&read.text)?).await?;
                }
                place.take()?;
                let body = CallBody::Replayable(Payload::from(read.wire));
                Sending { body, kept: Keeping::Whole(place) }
            } else {
                app.unless_cut(Sending::begin(body, &credential, limit, place)).await??
            };
        let passed = PassthroughTarget {
            provider: provider.name().to_owned(),
            route,
            actor: actor.id.clone(),
            makes_object: now.who.wants_tokens() && provider.creates_object(&parts.method, &path),
        };
        let (method, query) = (parts.method.clone(), parts.uri.query().map(str::to_owned));
        let request = PassthroughRequest { method, path, query, headers, body, actor };
        let call = provider.passthrough_call(request, credential);
        kept.keep(app.gateway.pass_through(passed, provider.upstream.clone(), call).await)
    }
}
