//! Where a provider is asked: the base URL of the config and what is appended to it.

use super::wire::Endpoint;
use crate::domain::manner::Place;

/// Appends `version` and `path` to a base; a base that already ends in a version gets no second.
pub(super) fn versioned(base: &str, version: &str, path: &str) -> String {
    join(base, |own| {
        if own.rsplit('/').next().is_some_and(is_version) {
            format!("{own}/{path}")
        } else {
            format!("{own}/{version}/{path}")
        }
    })
}

/// Appends `path` to a base as it is written; `v1` comes between only when it has no path.
pub(super) fn as_written(base: &str, path: &str) -> String {
    join(base, |own| {
        let after_scheme = own.split_once("://").map_or(own, |(_, rest)| rest);
        if after_scheme.contains('/') {
            format!("{own}/{path}")
        } else {
            format!("{own}/v1/{path}")
        }
    })
}

/// Returns the address of a method of a model at Vertex AI; none anywhere else. Sources:
/// <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference> and
/// <https://platform.claude.com/docs/en/api/claude-on-vertex-ai>.
pub(super) fn vertex(to: &Endpoint, verb: &str) -> Option<String> {
    let Place::Vertex { publisher, .. } = &to.manner.place else {
        return None;
    };
    let model = segment(&to.model.0);
    let path = format!("publishers/{publisher}/models/{model}:{verb}");
    at_vertex(to, &path)
}

/// Returns the address at Vertex AI that asks least of a token: which models of one's own the
/// project has, mostly none.
pub(super) fn vertex_models(to: &Endpoint) -> Option<String> {
    at_vertex(to, "models").map(|url| with_query(&url, "pageSize=1"))
}

fn at_vertex(to: &Endpoint, path: &str) -> Option<String> {
    let Place::Vertex {
        project, location, ..
    } = &to.manner.place
    else {
        return None;
    };
    let project = segment(project);
    let path = format!("projects/{project}/locations/{location}/{path}");
    Some(versioned(&to.base_url, "v1", &path))
}

/// Returns the address of a method at Azure OpenAI; none anywhere else. With an API version the
/// deployment stands in the path, without one it is the model of the body. Source:
/// <https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle>.
pub(super) fn azure(to: &Endpoint, path: &str) -> Option<String> {
    let Place::Azure { api_version } = &to.manner.place else {
        return None;
    };
    let Some(version) = api_version else {
        return Some(join(&to.base_url, |own| format!("{own}/openai/v1/{path}")));
    };
    let deployment = segment(&to.model.0);
    let url = join(&to.base_url, |own| {
        format!("{own}/openai/deployments/{deployment}/{path}")
    });
    Some(with_query(&url, &format!("api-version={version}")))
}

/// Returns the address at Azure OpenAI that tells whether a key is accepted.
pub(super) fn azure_models(to: &Endpoint) -> Option<String> {
    let Place::Azure { api_version } = &to.manner.place else {
        return None;
    };
    Some(match api_version {
        None => join(&to.base_url, |own| format!("{own}/openai/v1/models")),
        Some(version) => with_query(
            &join(&to.base_url, |own| format!("{own}/openai/models")),
            &format!("api-version={version}"),
        ),
    })
}

/// Adds a query of ours, which never holds a key.
pub(super) fn with_query(url: &str, query: &str) -> String {
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}{query}")
}

/// Returns the host of a URL, without brackets, userinfo and port, in lower case.
pub(super) fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let authority = authority.rsplit_once('@').map_or(authority, |(_, at)| at);
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or(six),
        None => authority.split(':').next().unwrap_or(authority),
    };
    host.to_ascii_lowercase()
}

/// Tells whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let is_named = host == "localhost" || host.ends_with(".localhost");
    is_named
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Returns a URL as it may be shown: without userinfo, query and fragment.
pub(super) fn for_people(url: &str) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or(url);
    let Some((scheme, rest)) = bare.split_once("://") else {
        return bare.to_owned();
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = authority.rsplit_once('@').map_or(authority, |(_, at)| at);
    format!("{scheme}://{authority}{path}")
}

/// Writes a model's name as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for half in [byte >> 4, byte & 15] {
                let digit = char::from_digit(u32::from(half), 16).unwrap_or('0');
                out.push(digit.to_ascii_uppercase());
            }
        }
    }
    out
}

/// Joins before a query that the base has of its own (Azure's `?api-version=`).
fn join(base: &str, with_path: impl FnOnce(&str) -> String) -> String {
    let base = base.trim();
    let (own, query) = base.split_at(base.find('?').unwrap_or(base.len()));
    format!("{}{query}", with_path(own.trim_end_matches('/')))
}

/// Tells `v1`, `v4`, `v1beta`, `v1beta2` from other segments.
fn is_version(segment: &str) -> bool {
    let Some(rest) = segment.strip_prefix('v') else {
        return false;
    };
    rest.starts_with(|c: char| c.is_ascii_digit())
        && rest
            .chars()
            .all(|c| c.is_ascii_digit() || c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_path_is_kept_and_no_second_version_is_given() {
        for (base, wanted) in [
            ("https://a.example", "https://a.example/v1/messages"),
            ("https://a.example/", "https://a.example/v1/messages"),
            ("https://a.example/v1", "https://a.example/v1/messages"),
            ("https://a.example/v1/", "https://a.example/v1/messages"),
            (
                "https://a.example/v1beta2",
                "https://a.example/v1beta2/messages",
            ),
            (
                "https://a.example/vault",
                "https://a.example/vault/v1/messages",
            ),
            (
                "http://127.0.0.1:4020/replay/x",
                "http://127.0.0.1:4020/replay/x/v1/messages",
            ),
            (
                "https://a.example/x?b=c",
                "https://a.example/x/v1/messages?b=c",
            ),
        ] {
            assert_eq!(versioned(base, "v1", "messages"), wanted);
        }
    }

    #[test]
    fn a_compatible_base_is_taken_as_written() {
        for (base, wanted) in [
            ("https://a.example", "https://a.example/v1/chat/completions"),
            (
                "https://a.example/",
                "https://a.example/v1/chat/completions",
            ),
            (
                "https://a.example/openai/v1/",
                "https://a.example/openai/v1/chat/completions",
            ),
            ("http://[::1]:8/api", "http://[::1]:8/api/chat/completions"),
        ] {
            assert_eq!(as_written(base, "chat/completions"), wanted);
        }
    }

    #[test]
    fn hosts_are_found_and_judged() {
        for (url, wanted, local) in [
            ("http://127.0.0.1:1/x", "127.0.0.1", true),
            ("http://LOCALHOST/x", "localhost", true),
            ("http://[::1]:80", "::1", true),
            ("http://127.0.0.1@evil.example/", "evil.example", false),
            (
                "http://127.0.0.1.evil.example/",
                "127.0.0.1.evil.example",
                false,
            ),
            ("http://evil.example?@127.0.0.1", "evil.example", false),
        ] {
            assert_eq!(host(url), wanted);
            assert_eq!(is_loopback(&host(url)), local, "{url}");
        }
    }

    #[test]
    fn what_is_shown_has_no_query_and_no_userinfo() {
        assert_eq!(
            for_people("https://u:p@a.example/x?key=1#y"),
            "https://a.example/x"
        );
        assert_eq!(for_people("/moved?key=1"), "/moved");
        assert_eq!(segment("a/b:c 1.5"), "a%2Fb%3Ac%201.5");
    }
}
