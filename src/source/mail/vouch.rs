//! Does a mail server vouch for the address a mail bears? Only the results of a server that is
//! named in the config count (RFC 8601): anybody can write such a header.

/// More results, or longer ones, no honest mail has; a longer one vouches for nothing.
const MOST_RESULTS: usize = 10;
const LONGEST: usize = 4_000;

/// What servers wrote of where a mail came from, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Results {
    headers: Vec<String>,
}

impl Results {
    pub(super) fn read(message: &mail_parser::Message<'_>) -> Self {
        let headers = message
            .headers_raw()
            .filter(|(name, _)| name.eq_ignore_ascii_case("Authentication-Results"))
            .map(|(_, value)| tamed(value))
            .take(MOST_RESULTS)
            .collect();
        Self { headers }
    }

    /// Tells whether `server` says that the mail is of the domain of `address`. The topmost header
    /// of that server counts: it writes above what came with the mail.
    pub fn vouch_for(&self, address: &str, server: &str) -> bool {
        let Some((_, domain)) = address.rsplit_once('@') else {
            return false;
        };
        let of_server = self.headers.iter().find_map(|header| {
            let mut parts = header.split(';').map(str::trim);
            let name = parts.next()?.split_whitespace().next()?;
            name.eq_ignore_ascii_case(server).then(|| parts.collect())
        });
        let results: Vec<&str> = of_server.unwrap_or_default();
        results.iter().any(|result| passes(result, domain))
    }
}

/// Tells whether one result passes for a domain: DMARC, or DKIM or SPF of that very domain.
fn passes(result: &str, domain: &str) -> bool {
    let mut words = result.split_whitespace();
    let Some((method, outcome)) = words.next().and_then(|first| first.split_once('=')) else {
        return false;
    };
    if !outcome.eq_ignore_ascii_case("pass") {
        return false;
    }
    let property = |name: &str| {
        words.clone().find_map(|word| {
            let (found, value) = word.split_once('=')?;
            found.eq_ignore_ascii_case(name).then(|| {
                let value = value.trim_matches('"');
                value.rsplit_once('@').map_or(value, |(_, domain)| domain)
            })
        })
    };
    let is_of_domain = |name: &str| {
        property(name).is_some_and(|found| found.trim_matches('.').eq_ignore_ascii_case(domain))
    };
    match method.to_ascii_lowercase().as_str() {
        "dmarc" => is_of_domain("header.from"),
        "dkim" => is_of_domain("header.d") || is_of_domain("header.i"),
        "spf" => is_of_domain("smtp.mailfrom"),
        _ => false,
    }
}

/// Takes `(comments)` out, which may hold anything, and lets nothing between quotes pass for the
/// signs around it. Of a header that is too long only the server's name is left.
fn tamed(value: &str) -> String {
    let mut depth = 0_usize;
    let mut is_quoted = false;
    let mut kept = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let escaped = chars.next();
                if depth == 0 && escaped.is_some() {
                    kept.push('_');
                }
            }
            '"' if depth == 0 => {
                is_quoted = !is_quoted;
                kept.push(c);
            }
            '(' if !is_quoted => depth += 1,
            ')' if !is_quoted && depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            c if is_quoted && (c.is_whitespace() || ";=@".contains(c)) => kept.push('_'),
            c => kept.push(c),
        }
    }
    if value.len() > LONGEST {
        kept = kept.split(';').next().unwrap_or_default().to_owned();
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(headers: &[&str]) -> Results {
        Results {
            headers: headers.iter().map(|one| tamed(one)).collect(),
        }
    }

    #[test]
    fn only_the_named_servers_topmost_word_counts() {
        let honest = results(&[
            "mx.acme.test; dkim=fail (body; dkim=pass) header.d=acme.test; spf=none",
            "mx.acme.test; dmarc=pass header.from=acme.test",
            "mx.evil.test; dmarc=pass header.from=acme.test",
        ]);
        assert!(!honest.vouch_for("maya@acme.test", "mx.acme.test"));
        assert!(honest.vouch_for("maya@acme.test", "mx.evil.test"));
        assert!(!honest.vouch_for("maya@acme.test", "mx.other.test"));
    }

    #[test]
    fn a_pass_counts_for_its_own_domain_alone() {
        for (result, vouches) in [
            ("mx; dkim=pass header.d=acme.test header.s=x", true),
            ("mx 1; DKIM=PASS header.i=@acme.test", true),
            ("mx; dkim=pass header.d=evil.test", false),
            ("mx; spf=pass smtp.mailfrom=maya@acme.test", true),
            ("mx; spf=softfail smtp.mailfrom=maya@acme.test", false),
            ("mx; dmarc=pass (p=reject) header.from=acme.test", true),
            ("mx; arc=pass header.d=acme.test", false),
            ("mx; none", false),
            (
                "mx; spf=pass smtp.mailfrom=\"x; dmarc=pass header.from=acme.test \"@evil.test",
                false,
            ),
            (
                "mx; spf=pass smtp.mailfrom=\"x\\\"; dmarc=pass header.from=acme.test \"@evil.test",
                false,
            ),
            ("", false),
        ] {
            let found = results(&[result]).vouch_for("a@acme.test", "mx");
            assert_eq!(found, vouches, "{result}");
        }
    }

    #[test]
    fn a_header_that_is_too_long_vouches_for_nothing_and_hides_none_below() {
        let long = format!(
            "mx; dkim=fail {}; dmarc=pass header.from=acme.test",
            "x".repeat(LONGEST)
        );
        let forged = "mx; dmarc=pass header.from=acme.test";
        assert!(!results(&[&long, forged]).vouch_for("a@acme.test", "mx"));
    }
}
