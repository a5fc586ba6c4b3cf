//! One HTTP request: let in, read, passed on, answered.

use std::sync::Arc;

use hyper::{Request as HttpRequest, Response, StatusCode, http::request::Parts};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    arrive::Arriving,
    body::AnswerBody,
    dialect::{Dialect, PathWords, Purpose, Refusal, RefusalKind, Request, dialect},
    gate::{self, Admission, Shown},
    leave::{Coming, Unanswered},
    log::Line,
    models,
    outcome::{self, Around, Limit},
    read::{busy, read, unknown_model},
    route::{Route, route},
    server::Server,
    spell::{HttpAnswer, Refused, Speech, declined_head, json, put, put_head, refused, spell},
    stream, whom,
};
use crate::{
    desk::serving::{PassError, Passed, Passing},
    domain::ProviderKind,
};

impl Server {
    /// Answers one request.
    pub(super) async fn answer(self: &Arc<Self>, request: HttpRequest<Arriving>) -> HttpAnswer {
        let (head, body) = request.into_parts();
        let found = route(head.uri.path(), head.uri.query());
        let kind = spoken(found.as_ref().map(|(_, route)| route), &head);
        let unanswered = Unanswered::new(self, kind.word());
        let spoken = dialect(kind);
        let answered = self.route(found, &head, body, spoken).await;
        let answer = answered.unwrap_or_else(|refusal| {
            refused(&Refused {
                dialect: spoken,
                refusal: &refusal,
                receipt: None,
            })
        });
        unanswered.answered(answer.status().as_u16());
        answer
    }

    async fn route(
        self: &Arc<Self>,
        found: Option<(&'static str, Route)>,
        head: &Parts,
        body: Arriving,
        dialect: &'static dyn Dialect,
    ) -> Result<HttpAnswer, Refusal> {
        let shown = Shown::of(head);
        gate::check_names(&shown, self.options.listens)?;
        let Some((method, route)) = found else {
            let message = format!("There is nothing at {}.", head.uri.path());
            return Err(Refusal::new(RefusalKind::UnknownPath, message));
        };
        let asked = head.method.as_str();
        if asked != method && (method, asked) != ("GET", "HEAD") {
            let message = format!("{} takes {method} alone.", head.uri.path());
            return Err(Refusal {
                allow: Some(if method == "GET" { "GET, HEAD" } else { method }),
                ..Refusal::new(RefusalKind::WrongMethod, message)
            });
        }
        if route == Route::Health {
            return Ok(json(StatusCode::OK, br#"{"status":"ok"}"#.to_vec()));
        }
        let caller = self.admit(&shown).await?;
        match route {
            Route::Health => Ok(json(StatusCode::OK, br#"{"status":"ok"}"#.to_vec())),
            Route::Metrics => {
                let text = self.metrics.text(self.in_flight());
                let mut answer = Response::new(AnswerBody::whole(text));
                put(
                    &mut answer,
                    "content-type",
                    "text/plain; version=0.0.4; charset=utf-8",
                );
                Ok(answer)
            }
            Route::Models(model) => self.models(model.as_deref(), dialect),
            Route::CountTokens => self.count_tokens(head, body, dialect).await,
            Route::Ask(_, words) => self.ask(caller, (head, body), dialect, &words).await,
        }
    }

    /// Lets a caller in, also one whose token was made a moment ago.
    async fn admit(&self, shown: &Shown<'_>) -> Result<String, Refusal> {
        let admission = self.options.admission;
        let admitted = |callers: &_| gate::admit(shown, admission, callers).map(str::to_owned);
        match admitted(&self.callers()) {
            Err(_) if admission == Admission::Token && shown.tokens().next().is_some() => {
                self.look_for_callers().await;
                admitted(&self.callers())
            }
            admitted => admitted,
        }
    }

    fn models(&self, model: Option<&str>, dialect: &dyn Dialect) -> Result<HttpAnswer, Refusal> {
        let settings = self.serving.desk().settings();
        let names = models::names(&settings);
        let is_gemini = dialect.kind() == ProviderKind::Gemini;
        let Some(model) = model else {
            return Ok(json(
                StatusCode::OK,
                models::list(&names, is_gemini).to_string().into_bytes(),
            ));
        };
        let known = names.iter().find(|(name, _)| name == model);
        let meant = settings.config.chain_for_model(model);
        let link = known.and_then(|(_, link)| link.clone());
        let first = link.or_else(|| meant.as_ref().ok()?.first().cloned());
        if let (None, Err(why)) = (known, &meant) {
            return Err(unknown_model(&why.to_string(), "model"));
        }
        let one = if is_gemini {
            models::gemini(model)
        } else {
            models::one(model, first.as_ref())
        };
        Ok(json(StatusCode::OK, one.to_string().into_bytes()))
    }

    async fn count_tokens(
        &self,
        head: &Parts,
        body: Arriving,
        dialect: &'static dyn Dialect,
    ) -> Result<HttpAnswer, Refusal> {
        let words = PathWords {
            purpose: Purpose::Count,
            ..PathWords::default()
        };
        let (request, _place) = self.place(head, body, (dialect, &words)).await?;
        // Refused as the request itself would be.
        whom::links(&self.serving.desk().settings().config, &request)?;
        // Three bytes a token: an estimate, on the high side for most languages.
        let estimate = request.ask.tokens_at_most().div_ceil(3).max(1);
        let body = format!("{{\"input_tokens\":{estimate}}}");
        let mut answer = json(StatusCode::OK, body.into_bytes());
        put(&mut answer, "x-deskhand-estimate", "input_tokens");
        Ok(answer)
    }

    async fn ask(
        self: &Arc<Self>,
        caller: String,
        (head, body): (&Parts, Arriving),
        dialect: &'static dyn Dialect,
        words: &PathWords,
    ) -> Result<HttpAnswer, Refusal> {
        let (request, place) = self.place(head, body, (dialect, words)).await?;
        let framing = request.framing;
        let wants_usage = request.wants_usage;
        let settings = self.serving.desk().settings();
        let asked = whom::pass_ask(&settings, caller, request)?;
        let passing = self.serving.pass(asked).await.map_err(|why| {
            let words = why.to_string();
            match why {
                PassError::NotTranslatable { .. } => Refusal::new(RefusalKind::BadInput, words),
                PassError::Stopping | PassError::NoLedger => busy(&words),
            }
        })?;
        let speech = Speech {
            dialect,
            framing,
            wants_usage,
            created: self.serving.desk().now().as_second(),
            _place: place,
        };
        if framing.is_streamed() {
            return Ok(stream::answer(Arc::clone(self), passing, speech).await);
        }
        Ok(self.whole(passing, &speech).await)
    }

    /// Reads a request and gives it a place; a body that is yet to come has none.
    async fn place(
        &self,
        head: &Parts,
        body: Arriving,
        (dialect, words): (&'static dyn Dialect, &PathWords),
    ) -> Result<(Request, [OwnedSemaphorePermit; 2]), Refusal> {
        let full = || busy("Too many requests are being answered already; ask again.");
        if self.slots.available_permits() == 0 {
            return Err(full());
        }
        let (request, room) = read(head, (body, &self.room), dialect, words).await?;
        let slot = Arc::clone(&self.slots).try_acquire_owned();
        Ok((request, [slot.map_err(|_| full())?, room]))
    }

    /// Waits for the whole answer.
    async fn whole(self: &Arc<Self>, passing: Passing, speech: &Speech) -> HttpAnswer {
        let id = passing.receipt;
        // Kept until the answer is there: a client that goes away drops it, and the call is stopped.
        let (mut coming, _) = Coming::new(Arc::clone(self), passing);
        let Some(passed) = coming.passed().await else {
            let refusal = Refusal::new(
                RefusalKind::Internal,
                "deskhand could not go on. Its log says why.",
            );
            return refused(&Refused {
                dialect: speech.dialect,
                refusal: &refusal,
                receipt: Some(id),
            });
        };
        let Some(answer) = spell(&passed, speech) else {
            let refusal = self.refusal(&passed);
            let mut answer = refused(&Refused {
                dialect: speech.dialect,
                refusal: &refusal,
                receipt: Some(id),
            });
            put(
                &mut answer,
                "x-deskhand-attempts",
                &passed.receipt.attempts.len().to_string(),
            );
            return answer;
        };
        let mut answer = json(StatusCode::OK, answer);
        let declined = declined_head(&passed);
        put_head(&mut answer, id, passed.head.as_ref().or(declined.as_ref()));
        answer
    }

    /// Counts and tells what came of a request.
    pub(super) fn over(&self, passed: &Passed) {
        self.metrics.passed(&passed.receipt);
        self.say(&Line {
            receipt: &passed.receipt,
            settings: &self.serving.desk().settings(),
        });
    }

    /// Returns what a caller is told who gets no answer.
    pub(super) fn refusal(&self, passed: &Passed) -> Refusal {
        let desk = self.serving.desk();
        let around = Around {
            now: desk.now(),
            denied: passed.denied.map(|denied| Limit {
                name: denied.by,
                amount: desk.limit(denied.by),
                lifts: desk.lifts(denied.by),
                may_pass: denied.may_pass,
            }),
        };
        outcome::refusal(&passed.receipt, &around)
    }
}

/// Returns in which dialect a request is answered: that of its path; where several share one, the
/// headers tell whose client asks.
fn spoken(route: Option<&Route>, head: &Parts) -> ProviderKind {
    match route {
        Some(Route::Ask(kind, _)) => *kind,
        Some(Route::CountTokens) => ProviderKind::Anthropic,
        Some(Route::Models(_) | Route::Health | Route::Metrics) | None => {
            let is_gemini = head.uri.path().starts_with("/v1beta/");
            if is_gemini || head.headers.contains_key("x-goog-api-key") {
                ProviderKind::Gemini
            } else if head.headers.contains_key("anthropic-version") {
                ProviderKind::Anthropic
            } else {
                ProviderKind::OpenAi
            }
        }
    }
}
