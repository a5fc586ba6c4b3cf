//! What may be kept of a key: a print that cannot be turned back, and its last four letters.

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// Returns the print of a key at an address: what was seen of one key does not hold for another,
/// nor at another address. SHA-256, 16 hexadecimal digits.
pub fn fingerprint(key: &SecretString, base_url: &str) -> String {
    let mut sum = Sha256::new();
    for part in [key.expose_secret(), base_url] {
        // Lengths keep `ab` + `c` apart from `a` + `bc`.
        sum.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        sum.update(part.as_bytes());
    }
    let mut print = format!("{:x}", sum.finalize());
    print.truncate(16);
    print
}

/// Returns a key masked to its last four letters; a short one not even with those.
pub fn mask(key: &SecretString) -> String {
    let key = key.expose_secret();
    let shown = key.len().checked_sub(4).and_then(|at| key.get(at..));
    match shown {
        Some(end) if key.len() >= 16 => format!("...{end}"),
        Some(_) | None => "...".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_print_depends_on_key_and_address() {
        let print = |key: &str, url: &str| fingerprint(&SecretString::from(key), url);

        assert_eq!(print("a", "u").len(), 16);
        assert_eq!(print("a", "u"), print("a", "u"));
        assert_ne!(print("a", "u"), print("b", "u"));
        assert_ne!(print("a", "u"), print("a", "v"));
        assert_ne!(print("ab", "c"), print("a", "bc"));
    }

    #[test]
    fn only_a_long_key_shows_its_end() {
        assert_eq!(mask(&SecretString::from("sk-0123456789abcdef")), "...cdef");
        assert_eq!(mask(&SecretString::from("short-key")), "...");
        assert_eq!(mask(&SecretString::from("")), "...");
    }
}
