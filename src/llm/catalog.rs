//! Known providers: what `keys set NAME` needs no config for. Data only.
//!
//! Prices are not here (`assets/prices.toml`); a default model is one that drafts well for little.

use crate::domain::ProviderKind;

/// What is known of a provider without being told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name in the config: `anthropic`.
    pub name: &'static str,
    /// Its name for people: `Anthropic`.
    pub title: &'static str,
    /// The wire format it speaks.
    pub kind: ProviderKind,
    /// Where it is asked.
    pub base_url: &'static str,
    /// The model for a first draft; none where only the server knows what it has.
    pub default_model: Option<&'static str>,
    /// The environment variable its key is kept in by habit; none where no key is needed.
    pub key_env: Option<&'static str>,
    /// Where a person gets a key, or the program.
    pub key_page: &'static str,
}

/// Every known provider, in the order in which they are offered.
pub const PRESETS: [Preset; 10] = [
    Preset {
        name: "anthropic",
        title: "Anthropic",
        kind: ProviderKind::Anthropic,
        base_url: "https://api.anthropic.com",
        default_model: Some("claude-haiku-4-5"),
        key_env: Some("ANTHROPIC_API_KEY"),
        key_page: "https://console.anthropic.com/settings/keys",
    },
    Preset {
        name: "openai",
        title: "OpenAI",
        kind: ProviderKind::OpenAi,
        base_url: "https://api.openai.com",
        default_model: Some("gpt-4o-mini"),
        key_env: Some("OPENAI_API_KEY"),
        key_page: "https://platform.openai.com/api-keys",
    },
    Preset {
        name: "openai-responses",
        title: "OpenAI (Responses)",
        kind: ProviderKind::OpenAiResponses,
        base_url: "https://api.openai.com",
        default_model: Some("gpt-4o-mini"),
        key_env: Some("OPENAI_API_KEY"),
        key_page: "https://platform.openai.com/api-keys",
    },
    Preset {
        name: "gemini",
        title: "Google Gemini",
        kind: ProviderKind::Gemini,
        base_url: "https://generativelanguage.googleapis.com",
        default_model: Some("gemini-2.5-flash"),
        key_env: Some("GEMINI_API_KEY"),
        key_page: "https://aistudio.google.com/apikey",
    },
    Preset {
        name: "deepseek",
        title: "DeepSeek",
        kind: ProviderKind::OpenAiCompatible,
        base_url: "https://api.deepseek.com/v1",
        default_model: Some("deepseek-v4-flash"),
        key_env: Some("DEEPSEEK_API_KEY"),
        key_page: "https://platform.deepseek.com/api_keys",
    },
    Preset {
        name: "mistral",
        title: "Mistral",
        kind: ProviderKind::OpenAiCompatible,
        base_url: "https://api.mistral.ai/v1",
        default_model: Some("mistral-small-latest"),
        key_env: Some("MISTRAL_API_KEY"),
        key_page: "https://console.mistral.ai/api-keys",
    },
    Preset {
        name: "groq",
        title: "Groq",
        kind: ProviderKind::OpenAiCompatible,
        base_url: "https://api.groq.com/openai/v1",
        default_model: Some("llama-3.3-70b-versatile"),
        key_env: Some("GROQ_API_KEY"),
        key_page: "https://console.groq.com/keys",
    },
    Preset {
        name: "openrouter",
        title: "OpenRouter",
        kind: ProviderKind::OpenAiCompatible,
        base_url: "https://openrouter.ai/api/v1",
        default_model: Some("openai/gpt-4o-mini"),
        key_env: Some("OPENROUTER_API_KEY"),
        key_page: "https://openrouter.ai/settings/keys",
    },
    Preset {
        name: "xai",
        title: "xAI",
        kind: ProviderKind::OpenAiCompatible,
        base_url: "https://api.x.ai/v1",
        default_model: Some("grok-3-mini"),
        key_env: Some("XAI_API_KEY"),
        key_page: "https://console.x.ai",
    },
    Preset {
        name: "ollama",
        title: "Ollama (this machine)",
        kind: ProviderKind::OpenAiCompatible,
        base_url: "http://127.0.0.1:11434/v1",
        default_model: None,
        key_env: None,
        key_page: "https://ollama.com/download",
    },
];

/// Returns what is known of the provider of that name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_only_this_machine_is_spoken_to_in_the_clear() {
        let names: BTreeSet<_> = PRESETS.iter().map(|preset| preset.name).collect();

        assert_eq!(names.len(), PRESETS.len());
        for preset in &PRESETS {
            let is_local = preset.base_url.starts_with("http://127.0.0.1");
            assert!(preset.base_url.starts_with("https://") || is_local);
            assert_eq!(preset.key_env.is_none(), is_local);
            assert_eq!(super::preset(preset.name), Some(preset));
        }
    }
}
