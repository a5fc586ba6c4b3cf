//! `deskhand sim`: the provider simulator, for trying fallbacks without a provider.

use std::io;

use serde_json::json;

use super::{
    Call,
    args::SimArgs,
    stop::{Exit, Stop},
};
use crate::sim::{Sim, SimOptions};

/// Prints where the simulator listens and serves until it is stopped.
pub(super) async fn run(call: &Call, args: &SimArgs) -> Result<Exit, Stop> {
    let options = SimOptions {
        port: args.port,
        words_per_second: None,
    };
    let sim = Sim::start(options)
        .await
        .map_err(|error| unstarted(args.port, &error))?;
    let at = sim.addresses();
    let urls = &at.base_urls;
    call.out.answer(
        || json!(at),
        || {
            format!(
                "anthropic         {}\nopenai            {}\nopenai-responses  {}\n\
                 gemini            {}\nrefused           {}\ncontrol           {}\n\
                 Serves until Ctrl-C.",
                urls.anthropic,
                urls.openai,
                urls.openai_responses,
                urls.gemini,
                at.refused,
                at.control
            )
        },
    );
    super::draft::told_to_stop().await;
    sim.stop().await;
    Ok(Exit::OK)
}

fn unstarted(port: u16, error: &io::Error) -> Stop {
    Stop::failed(format!(
        "The simulator could not listen on 127.0.0.1:{port}: {error}."
    ))
    .advising("Name another port, or 0 for a free one: deskhand sim --port 0")
}
