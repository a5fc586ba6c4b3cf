//! How one link of a run is reached: its endpoint, a fresh key when one is over, and a prompt that
//! fits where the window is small.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::{Desk, Settings, chains::Prepared, draft::Job, providers::endpoint};
use crate::{
    config::ProviderConfig,
    domain::{KeySource, LinkName, manner::WindowFrom},
    engine::{ask::Ask, plan::PlannedLink, prompt::PromptPolicy},
    llm::{renew::Renew, wire::Endpoint},
};

/// A token has at least so many bytes in the mail of most languages; in English about four.
const BYTES_A_TOKEN: u64 = 3;
/// What a chat template adds, and a reserve.
const RESERVE_TOKENS: u64 = 256;

impl Desk {
    /// Returns where and how a link is asked, and learns its window where only the server knows it.
    pub(super) async fn reach(
        &self,
        planned: &mut PlannedLink,
        settings: &Settings,
        provider: &ProviderConfig,
        key: Option<SecretString>,
    ) -> Endpoint {
        let name = planned.link.name.clone();
        let mut to = endpoint(&name, provider, key, planned.without.clone());
        if let KeySource::Command(_) = &provider.key {
            let (rack, source) = (self.keys.clone(), provider.key.clone());
            let owner = name.provider.clone();
            to.renew = Some(Renew::new(move || {
                let (rack, source, owner) = (rack.clone(), source.clone(), owner.clone());
                async move { rack.renewed(&owner, &source).await }
            }));
        }
        let said = settings.config.models.get(&name);
        if said.is_none_or(|model| model.window.is_none())
            && let Some(window) = self.transport.window(&to).await
        {
            planned.link.window = Some(window);
        }
        to
    }

    /// Returns shorter asks for the links whose server would cut the whole one without a word.
    pub(super) fn shorter(&self, job: &Job, prepared: &Prepared) -> BTreeMap<LinkName, Ask> {
        let whole = &job.prompted.ask;
        let links = prepared.plan.links.iter().filter_map(|planned| {
            let name = &planned.link.name;
            let to = prepared.endpoints.get(name)?;
            let cuts = to.manner.habits.window == WindowFrom::Ollama;
            let room = room(planned.link.window.filter(|_| cuts)?, whole.output_limit);
            (whole.bytes() > room).then(|| (name.clone(), self.fitting(job, room)))
        });
        links.collect()
    }
}

impl Desk {
    /// Makes the ask of a job with so little mail that it fits; what frames the mail stays.
    fn fitting(&self, job: &Job, room: u64) -> Ask {
        let within = |most_bytes: u64| {
            let most_bytes = usize::try_from(most_bytes).unwrap_or(usize::MAX);
            let most_bytes = most_bytes.min(PromptPolicy::default().most_bytes);
            self.prompted_within(&job.view, job.hint.as_deref(), most_bytes)
                .ask
        };
        let ask = within(room);
        let over = ask.bytes().saturating_sub(room);
        if over == 0 {
            return ask;
        }
        within(room.saturating_sub(over))
    }
}

/// Returns how many bytes of a prompt fit beside an answer.
const fn room(window: u64, output_limit: u32) -> u64 {
    window
        .saturating_sub(output_limit as u64)
        .saturating_sub(RESERVE_TOKENS)
        .saturating_mul(BYTES_A_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_has_what_the_answer_leaves() {
        assert_eq!(room(4_096, 1_024), 8_448);
        assert_eq!(room(1_000, 1_024), 0);
    }
}
