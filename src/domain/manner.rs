//! How a server is asked where it departs from its wire format.

/// What is known of a kind of server besides its wire format; the data of a preset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habits {
    /// In which header the key goes.
    pub auth: Auth,
    /// Parameters of ours that it refuses or wants under another name: they are never sent.
    pub without: &'static [&'static str],
    /// How its address is found.
    pub site: Site,
    /// Who knows how much fits into a model.
    pub window: WindowFrom,
}

/// In which header a key goes. It never goes into a URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// Where the wire format says: `x-api-key`, `x-goog-api-key`, or as a bearer.
    #[default]
    Usual,
    /// `authorization: Bearer KEY`.
    Bearer,
    /// `api-key: KEY`.
    ApiKey,
}

/// How the address of a server is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Site {
    /// It is a `base_url`.
    #[default]
    Address,
    /// From the name of a resource at Azure.
    Azure,
    /// From a project and a location at Google Cloud: Google's own models.
    VertexGemini,
    /// From a project and a location at Google Cloud: Anthropic's models.
    VertexClaude,
}

/// Who knows how much fits into a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WindowFrom {
    /// The price book and the config.
    #[default]
    Book,
    /// The server: an Ollama gives a model less than its card says.
    Ollama,
}

/// How one provider of the config is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// What is known of its kind.
    pub habits: Habits,
    /// What stands in its URLs besides the address.
    pub place: Place,
}

/// What stands in a provider's URLs besides its address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Nothing.
    #[default]
    Usual,
    /// Azure: the deployment stands in the URL where an API version is named; without one it is
    /// the model of the body.
    Azure {
        /// `2024-10-21`; none for the `v1` API, which needs none.
        api_version: Option<String>,
    },
    /// Vertex AI: the project, the location and the maker stand in the URL.
    Vertex {
        /// The id of the Google Cloud project.
        project: String,
        /// `global`, `us`, `eu` or a region such as `europe-west1`.
        location: String,
        /// Whose models: `google` or `anthropic`.
        publisher: &'static str,
    },
}
