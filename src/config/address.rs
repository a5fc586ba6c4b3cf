//! Judges a `base_url`: no password in it, and nothing in the clear beyond this machine.

/// Returns the address without its last slashes, or what is wrong with it and what to do.
pub(super) fn check_url(
    url: &str,
    allow_plain_http: bool,
) -> Result<String, (&'static str, Option<&'static str>)> {
    let (rest, is_plain) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return Err(("`base_url` must begin with https:// or http://.", None)),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    if authority.contains('@') {
        let hint = "Run `deskhand keys set` for the key.";
        return Err((
            "`base_url` must hold neither name nor password.",
            Some(hint),
        ));
    }
    if rest.contains(['?', '#']) {
        return Err(("`base_url` must hold neither `?` nor `#`.", None));
    }
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or(""),
        None => authority.split(':').next().unwrap_or(""),
    };
    let is_broken =
        host.is_empty() || url.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\');
    if is_broken {
        return Err((
            "`base_url` is no address.",
            Some("Write https://host/path."),
        ));
    }
    if is_plain && !allow_plain_http && !is_loopback(host) {
        let hint = "Use https://, or add allow_plain_http = true if the network is yours.";
        return Err((
            "http:// would show the key and the mail to the network.",
            Some(hint),
        ));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged() {
        for good in [
            "https://api.example.com/v1/",
            "http://127.0.0.1:4020/replay/x",
            "http://[::1]:8080",
            "http://localhost:11434/v1",
        ] {
            assert!(check_url(good, false).is_ok(), "{good}");
        }
        for bad in [
            "",
            "api.example.com",
            "ftp://x",
            "http://example.com/v1",
            "https://me:secret@example.com",
            "https://example.com/?key=1",
            "https:///v1",
            "https://exa mple.com",
        ] {
            assert!(check_url(bad, false).is_err(), "{bad}");
        }
        assert!(check_url("http://example.com/v1", true).is_ok());
    }
}
