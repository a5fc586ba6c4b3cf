//! Known providers: what `keys set NAME` needs no config for. Data only.
//!
//! Prices are not here (`assets/prices.toml`); a default model is one that drafts well for little.

use crate::domain::{
    ProviderKind,
    manner::{Auth, Habits, Site, WindowFrom},
};

/// What is known of a provider without being told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name in the config: `anthropic`.
    pub name: &'static str,
    /// Its name for people: `Anthropic`.
    pub title: &'static str,
    /// The wire format it speaks.
    pub kind: ProviderKind,
    /// Where it is asked; empty where the config must say a resource or a project.
    pub base_url: &'static str,
    /// The model for a first draft; none where only the server knows what it has.
    pub default_model: Option<&'static str>,
    /// The environment variable its key is kept in by habit; none where no key is needed.
    pub key_env: Option<&'static str>,
    /// Where a person gets a key, or the program.
    pub key_page: &'static str,
    /// Under which provider the price book has its models.
    pub priced_like: Option<&'static str>,
    /// In what it departs from its wire format.
    pub habits: Habits,
}

/// Every known provider, in the order in which they are offered.
pub const PRESETS: [Preset; 15] = [
    ANTHROPIC,
    OPENAI,
    RESPONSES,
    GEMINI,
    DEEPSEEK,
    MISTRAL,
    GROQ,
    OPENROUTER,
    XAI,
    AZURE,
    VERTEX_GEMINI,
    VERTEX_CLAUDE,
    OLLAMA,
    LLAMACPP,
    VLLM,
];

const PLAIN: Habits = Habits {
    auth: Auth::Usual,
    without: &[],
    site: Site::Address,
    window: WindowFrom::Book,
};

const ANTHROPIC: Preset = Preset {
    name: "anthropic",
    title: "Anthropic",
    kind: ProviderKind::Anthropic,
    base_url: "https://api.anthropic.com",
    default_model: Some("claude-haiku-4-5"),
    key_env: Some("ANTHROPIC_API_KEY"),
    key_page: "https://console.anthropic.com/settings/keys",
    priced_like: Some("anthropic"),
    habits: PLAIN,
};

const OPENAI: Preset = Preset {
    name: "openai",
    title: "OpenAI",
    kind: ProviderKind::OpenAi,
    base_url: "https://api.openai.com",
    default_model: Some("gpt-4o-mini"),
    key_env: Some("OPENAI_API_KEY"),
    key_page: "https://platform.openai.com/api-keys",
    priced_like: Some("openai"),
    habits: PLAIN,
};

const RESPONSES: Preset = Preset {
    name: "openai-responses",
    title: "OpenAI (Responses)",
    kind: ProviderKind::OpenAiResponses,
    ..OPENAI
};

const GEMINI: Preset = Preset {
    name: "gemini",
    title: "Google Gemini",
    kind: ProviderKind::Gemini,
    base_url: "https://generativelanguage.googleapis.com",
    // 2.5 Flash is shut down on 2026-12-01 in favour of this one:
    // https://ai.google.dev/gemini-api/docs/deprecations
    default_model: Some("gemini-3.5-flash-lite"),
    key_env: Some("GEMINI_API_KEY"),
    key_page: "https://aistudio.google.com/apikey",
    priced_like: Some("gemini"),
    habits: PLAIN,
};

const DEEPSEEK: Preset = Preset {
    name: "deepseek",
    title: "DeepSeek",
    kind: ProviderKind::OpenAiCompatible,
    base_url: "https://api.deepseek.com/v1",
    default_model: Some("deepseek-v4-flash"),
    key_env: Some("DEEPSEEK_API_KEY"),
    key_page: "https://platform.deepseek.com/api_keys",
    priced_like: Some("deepseek"),
    habits: PLAIN,
};

const MISTRAL: Preset = Preset {
    name: "mistral",
    title: "Mistral",
    base_url: "https://api.mistral.ai/v1",
    default_model: Some("mistral-small-latest"),
    key_env: Some("MISTRAL_API_KEY"),
    key_page: "https://console.mistral.ai/api-keys",
    priced_like: Some("mistral"),
    // It refuses what it does not know with 422 `extra_forbidden`, and counts every stream unasked:
    // openai/openai-agents-python#442, editor-code-assistant/eca#231.
    habits: Habits {
        without: &["stream_options", "max_completion_tokens"],
        ..PLAIN
    },
    ..DEEPSEEK
};

const GROQ: Preset = Preset {
    name: "groq",
    title: "Groq",
    base_url: "https://api.groq.com/openai/v1",
    default_model: Some("llama-3.3-70b-versatile"),
    key_env: Some("GROQ_API_KEY"),
    key_page: "https://console.groq.com/keys",
    priced_like: Some("groq"),
    // `max_tokens` is on its way out: groq/groq-python#175.
    habits: Habits {
        without: &["max_tokens"],
        ..PLAIN
    },
    ..DEEPSEEK
};

const OPENROUTER: Preset = Preset {
    name: "openrouter",
    title: "OpenRouter",
    base_url: "https://openrouter.ai/api/v1",
    default_model: Some("openai/gpt-4o-mini"),
    key_env: Some("OPENROUTER_API_KEY"),
    key_page: "https://openrouter.ai/settings/keys",
    priced_like: Some("openrouter"),
    // Usage and cost come with every answer; to ask for them is out of date and has no effect:
    // https://openrouter.ai/docs/use-cases/usage-accounting
    habits: Habits {
        without: &["stream_options"],
        ..PLAIN
    },
    ..DEEPSEEK
};

const XAI: Preset = Preset {
    name: "xai",
    title: "xAI",
    base_url: "https://api.x.ai/v1",
    default_model: Some("grok-3-mini"),
    key_env: Some("XAI_API_KEY"),
    key_page: "https://console.x.ai",
    priced_like: Some("xai"),
    // Chats are not stored, only Responses are, so that no `store` is wanted:
    // https://docs.x.ai/developers/model-capabilities/text/comparison.md
    ..DEEPSEEK
};

const AZURE: Preset = Preset {
    name: "azure",
    title: "Azure OpenAI",
    kind: ProviderKind::OpenAi,
    base_url: "",
    // A deployment has the name that its owner gave it.
    default_model: None,
    key_env: Some("AZURE_OPENAI_API_KEY"),
    key_page: "https://portal.azure.com",
    priced_like: Some("openai"),
    // https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle
    habits: Habits {
        auth: Auth::ApiKey,
        site: Site::Azure,
        ..PLAIN
    },
};

const VERTEX_GEMINI: Preset = Preset {
    name: "vertex-gemini",
    title: "Gemini on Vertex AI",
    kind: ProviderKind::Gemini,
    base_url: "",
    default_model: Some("gemini-3.5-flash-lite"),
    key_env: Some("VERTEX_ACCESS_TOKEN"),
    key_page: "https://cloud.google.com/sdk/docs/install",
    priced_like: Some("gemini"),
    habits: Habits {
        auth: Auth::Bearer,
        site: Site::VertexGemini,
        ..PLAIN
    },
};

const VERTEX_CLAUDE: Preset = Preset {
    name: "vertex-claude",
    title: "Claude on Vertex AI",
    kind: ProviderKind::Anthropic,
    default_model: Some("claude-haiku-4-5@20251001"),
    priced_like: Some("anthropic"),
    // https://platform.claude.com/docs/en/api/claude-on-vertex-ai
    habits: Habits {
        auth: Auth::Bearer,
        site: Site::VertexClaude,
        ..PLAIN
    },
    ..VERTEX_GEMINI
};

const OLLAMA: Preset = Preset {
    name: "ollama",
    title: "Ollama (this machine)",
    base_url: "http://127.0.0.1:11434/v1",
    default_model: None,
    key_env: None,
    key_page: "https://ollama.com/download",
    priced_like: None,
    // It gives a model far less than its card says, and cuts what does not fit unasked:
    // https://github.com/ollama/ollama/blob/main/docs/context-length.mdx
    habits: Habits {
        window: WindowFrom::Ollama,
        ..PLAIN
    },
    ..DEEPSEEK
};

const LLAMACPP: Preset = Preset {
    name: "llamacpp",
    title: "llama.cpp (this machine)",
    base_url: "http://127.0.0.1:8080/v1",
    key_page: "https://github.com/ggml-org/llama.cpp",
    habits: PLAIN,
    ..OLLAMA
};

const VLLM: Preset = Preset {
    name: "vllm",
    title: "vLLM (this machine)",
    base_url: "http://127.0.0.1:8000/v1",
    key_page: "https://docs.vllm.ai",
    habits: PLAIN,
    ..OLLAMA
};

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
            let is_built = preset.habits.site != Site::Address;
            assert_eq!(is_built, preset.base_url.is_empty());
            assert!(preset.base_url.starts_with("https://") || is_local || is_built);
            assert_eq!(preset.key_env.is_none(), is_local);
            assert_eq!(super::preset(preset.name), Some(preset));
        }
    }
}
