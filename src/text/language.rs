//! Which language is a text in? Only where that is plain.

use whatlang::detect;

/// Shorter texts are mostly names and numbers.
const SHORTEST: usize = 60;

/// Returns the language of a text by its English name; none where it is not plain.
pub fn language(text: &str) -> Option<&'static str> {
    let words: String = text
        .split_whitespace()
        .filter(|word| !word.contains(['@', '/', '<', '>', '{', '}']))
        .collect::<Vec<_>>()
        .join(" ");
    if words.chars().filter(|c| c.is_alphabetic()).count() < SHORTEST {
        return None;
    }
    detect(&words)
        .filter(whatlang::Info::is_reliable)
        .map(|found| found.lang().eng_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_language_is_told() {
        let german = "Guten Tag, meine Bestellung ist leider noch nicht angekommen. Können Sie \
                      bitte nachsehen, wo das Paket geblieben ist? Vielen Dank für Ihre Hilfe.";
        let english = "Hello, my order has not arrived yet. Could you please have a look where the \
                       parcel is? Thank you very much for your help with this.";
        assert_eq!(language(german), Some("German"));
        assert_eq!(language(english), Some("English"));
        assert_eq!(language("Danke!"), None);
        assert_eq!(
            language("https://a.test/b/c?d=e 4812 4813 maya@example.com"),
            None
        );
    }
}
