//! `resource`, `api_version`, `project` and `location`: where Azure and Vertex AI are asked.

use super::{
    provider::Named,
    reader::{Reader, Section, quoted},
};
use crate::domain::manner::{Place, Site};

/// Every setting of such a place.
const SITE_KEYS: [&str; 4] = ["resource", "api_version", "project", "location"];

/// Where a provider is asked, as its own settings say.
pub(super) struct Found {
    /// The address; none where it is a `base_url`.
    pub(super) base_url: Option<String>,
    /// What stands in its URLs besides.
    pub(super) place: Place,
}

/// Finds the place of a provider; `has_url` tells whether the file names an address besides.
pub(super) fn place(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    named: &Named<'_>,
    site: Site,
    has_url: bool,
) -> Option<Found> {
    let own: &[&str] = match site {
        Site::Address => &[],
        Site::Azure => &["resource", "api_version"],
        Site::VertexGemini | Site::VertexClaude => &["project", "location"],
    };
    for key in SITE_KEYS.iter().filter(|key| !own.contains(key)) {
        if let Some(value) = table.get(key) {
            let message = format!("`{key}` means nothing to [providers.{}].", named.name);
            let hint = "It is for preset = \"azure\", \"vertex-gemini\" or \"vertex-claude\".";
            reader.error(&value.span(), message, Some(hint.to_owned()));
        }
    }
    match site {
        Site::Address => Some(Found {
            base_url: None,
            place: Place::Usual,
        }),
        Site::Azure => azure(reader, table, named, has_url),
        Site::VertexGemini => vertex(reader, table, named, "google"),
        Site::VertexClaude => vertex(reader, table, named, "anthropic"),
    }
}

fn azure(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    named: &Named<'_>,
    has_url: bool,
) -> Option<Found> {
    let resource = word(reader, table, "resource", is_name);
    let api_version = word(reader, table, "api_version", is_version);
    if resource.is_none() && !has_url {
        if table.get("resource").is_none() {
            let message = format!(
                "[providers.{}] does not say which resource at Azure.",
                named.name
            );
            let hint = "Add resource = \"NAME\" of https://NAME.openai.azure.com, or a base_url.";
            reader.error(&named.span, message, Some(hint.to_owned()));
        }
        return None;
    }
    Some(Found {
        base_url: resource.map(|name| format!("https://{name}.openai.azure.com")),
        place: Place::Azure { api_version },
    })
}

fn vertex(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    named: &Named<'_>,
    publisher: &'static str,
) -> Option<Found> {
    for key in ["project", "location"] {
        if table.get(key).is_none() {
            let message = format!("[providers.{}] does not say its {key}.", named.name);
            let hint = "Add project = \"my-project\" and location = \"global\" or a region.";
            reader.error(&named.span, message, Some(hint.to_owned()));
        }
    }
    if table.get("api_key_command").is_none() && table.get("api_key").is_none() {
        let message = format!(
            "[providers.{}] has no way to an access token, which lasts an hour at most.",
            named.name
        );
        let hint = "Add api_key_command = [\"gcloud\", \"auth\", \"print-access-token\"].";
        reader.error(&named.span, message, Some(hint.to_owned()));
    }
    let project = word(reader, table, "project", is_project);
    let location = word(reader, table, "location", is_name);
    let (project, location) = (project?, location?);
    // The hosts of the regions, as Anthropic's own kit has them (anthropic-sdk-python,
    // `lib/vertex/_client.py`): one for the world, two for continents, one per region.
    let host = match location.as_str() {
        "global" => "aiplatform.googleapis.com".to_owned(),
        "us" | "eu" => format!("aiplatform.{location}.rep.googleapis.com"),
        region => format!("{region}-aiplatform.googleapis.com"),
    };
    Some(Found {
        base_url: Some(format!("https://{host}")),
        place: Place::Vertex {
            project,
            location,
            publisher,
        },
    })
}

/// Reads a word that becomes part of a URL.
fn word(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    key: &str,
    fits: fn(&str) -> bool,
) -> Option<String> {
    let (text, span) = table.text(reader, key)?;
    if fits(text) {
        return Some(text.to_owned());
    }
    let message = format!("{} cannot be a {}.", quoted(text), key.replace('_', " "));
    reader.error(&span, message, None);
    None
}

fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=64).contains(&text.len()) && text.chars().all(is_part) && !text.starts_with('-')
}

/// A project's id, which may be of a domain: `example.com:desk`.
fn is_project(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:".contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(is_part)
}

/// An API version: `2024-10-21`, `2025-04-01-preview`.
fn is_version(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (2..=40).contains(&text.len()) && text.chars().all(is_part)
}
