//! Asks a provider cheaply whether it accepts a key, and which models it has.

use std::{sync::Arc, time::Duration};

use hyper::Method;
use tokio::time::{Instant, timeout};

use super::{
    client::{Pool, REFUSAL_CAP_BYTES, broken, headers_of, masked, ran_out, read_some, spelled},
    connect::{Connecting, WATCHED},
    transport::Transport,
    wire::{Call, Endpoint, Wire},
    words::clean,
};
use crate::domain::{Billed, Fault, FaultClass, ProviderKind, fault::ClockName, manner::Place};

/// How long the check of a key may take.
const CHECK_LIMIT: Duration = Duration::from_secs(10);
/// The most bytes of a list of models.
const MODELS_CAP_BYTES: usize = 4 << 20;

/// What a check of a key brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyCheck {
    /// The models the provider names, in its order.
    pub models: Vec<String>,
    /// Whether the key was looked at; some compatible servers have nothing to ask it with.
    pub is_certain: bool,
}

impl Transport {
    /// Asks the provider cheaply whether it accepts the key, and which models it has.
    pub async fn check_key(&self, to: &Endpoint) -> Result<KeyCheck, Fault> {
        let wire = super::wire(to.kind);
        let asked = async {
            let mut check = KeyCheck::default();
            for call in wire.probes(to) {
                check = self.probe(to, wire, &call).await?;
            }
            Ok(check)
        };
        let checked = timeout(CHECK_LIMIT, asked).await;
        checked
            .unwrap_or_else(|_| Err(ran_out(ClockName::Total, Billed::No)))
            .map_err(|fault| masked(fault, to.key.as_ref()))
    }

    async fn probe(&self, to: &Endpoint, wire: &dyn Wire, call: &Call) -> Result<KeyCheck, Fault> {
        let connecting = Connecting::new(CHECK_LIMIT);
        let target = self.clients.target(&call.url, to.allow_plain_http)?;
        let request = spelled(call, Method::GET, &target)?;
        let client = self.clients.client(&target, Pool::Shared)?;
        let sent = WATCHED.scope(Arc::clone(&connecting), client.execute(request));
        let mut response = sent.await.map_err(|error| broken(&error, &connecting))?;
        let status = response.status();
        let headers = headers_of(&response);
        let until = Instant::now() + CHECK_LIMIT;
        if status.is_success() {
            let body = read_some(&mut response, MODELS_CAP_BYTES, until).await;
            // Azure and Vertex AI list what could be had, not what this account may ask.
            let models = match to.manner.place {
                Place::Usual => models_in(&body),
                Place::Azure { .. } | Place::Vertex { .. } => Vec::new(),
            };
            return Ok(KeyCheck {
                models,
                is_certain: true,
            });
        }
        let body = read_some(&mut response, REFUSAL_CAP_BYTES, until).await;
        let is_compatible = to.kind == ProviderKind::OpenAiCompatible;
        let at_vertex = matches!(to.manner.place, Place::Vertex { .. });
        if (is_compatible || at_vertex) && matches!(status.as_u16(), 404 | 405 | 501) {
            return Ok(KeyCheck::default());
        }
        // A token may be good for models and still not be allowed to list them.
        if at_vertex && status == 403 {
            return Ok(KeyCheck::default());
        }
        let mut fault = wire.fault(status.as_u16(), &headers, &body);
        if matches!(status.as_u16(), 401 | 403) {
            fault.class = FaultClass::KeyRefused;
        }
        Err(fault)
    }
}

/// Reads the names from a list of models: `data[].id`, or Gemini's `models[].name`.
fn models_in(body: &[u8]) -> Vec<String> {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else {
        return Vec::new();
    };
    let list = value.get("data").or_else(|| value.get("models"));
    let rows = list.unwrap_or(&value).as_array();
    let writes = |row: &serde_json::Value| {
        let methods = row
            .get("supportedGenerationMethods")
            .and_then(|list| list.as_array());
        methods.is_none_or(|list| list.iter().any(|method| method == "generateContent"))
    };
    let names = rows
        .into_iter()
        .flatten()
        .filter(|row| writes(row))
        .filter_map(|row| {
            let name = row.get("id").or_else(|| row.get("name"))?.as_str()?;
            Some(clean(name.strip_prefix("models/").unwrap_or(name)))
        });
    names.collect()
}
