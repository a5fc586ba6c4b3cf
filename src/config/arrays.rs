//! Puts a new list in the place of an old one: what stood between its items stays.

use toml_edit::{Array, Value};

/// Returns the new list with the comments and line breaks of the old.
pub(super) fn keep_comments(old: &Array, new: &Array) -> Array {
    let mut left: Vec<Value> = old.iter().cloned().collect();
    let indent = left
        .iter()
        .filter_map(|item| item.decor().prefix()?.as_str())
        .find(|prefix| prefix.contains('\n'))
        .and_then(|prefix| prefix.rsplit('\n').next())
        .filter(|indent| indent.trim().is_empty())
        .map(|indent| format!("\n{indent}"));
    let mut kept = Array::new();
    for (place, item) in new.iter().enumerate() {
        let known = left.iter().position(|old| old.as_str() == item.as_str());
        let mut item = if let Some(at) = known {
            left.remove(at)
        } else {
            let mut item = item.clone();
            if let Some(indent) = &indent {
                item.decor_mut().set_prefix(indent.clone());
            }
            item
        };
        if indent.is_none() && !has_comment(&item) {
            item.decor_mut()
                .set_prefix(if place == 0 { "" } else { " " });
        }
        kept.push_formatted(item);
    }
    kept.set_trailing_comma(old.trailing_comma());
    // A comment beside an item that went stays at the end of the list.
    let orphans: String = left.iter().map(comments).collect();
    let trailing = old.trailing().as_str().unwrap_or_default();
    kept.set_trailing(if orphans.is_empty() {
        trailing.to_owned()
    } else {
        format!("{orphans}{}{trailing}", indent.unwrap_or_default())
    });
    *kept.decor_mut() = old.decor().clone();
    kept
}

fn has_comment(item: &Value) -> bool {
    !comments(item).is_empty()
}

/// Returns the comments before and behind an item, each with its line break before it.
fn comments(item: &Value) -> String {
    let decor = item.decor();
    let lines = [decor.prefix(), decor.suffix()]
        .into_iter()
        .flatten()
        .filter_map(|raw| raw.as_str())
        .flat_map(str::lines)
        .map(str::trim)
        .filter(|line| line.starts_with('#'));
    lines.fold(String::new(), |comments, line| comments + "\n    " + line)
}

#[cfg(test)]
mod tests {
    use toml_edit::DocumentMut;

    use super::*;

    /// Sets a list in a text; returns the text.
    fn changed(text: &str, to: &[&str]) -> String {
        let mut document: DocumentMut = text.parse().unwrap();
        let array = document["links"].as_array_mut().unwrap();
        *array = keep_comments(array, &to.iter().copied().collect());
        let text = document.to_string();
        assert!(text.parse::<DocumentMut>().is_ok(), "{text}");
        text
    }

    #[test]
    fn a_list_of_one_line_stays_one() {
        assert_eq!(
            changed("links = [\"a/x\", \"b/y\"] # who\n", &["b/y", "c/z", "a/x"]),
            "links = [\"b/y\", \"c/z\", \"a/x\"] # who\n"
        );
    }

    #[test]
    fn comments_within_a_list_move_with_their_item_and_none_is_lost() {
        let text = "links = [\n    # fast\n    \"a/x\",\n    \"b/y\", # slow\n]\n";

        let swapped = changed(text, &["b/y", "a/x"]);
        assert!(swapped.contains("# fast\n    \"a/x\""), "{swapped}");
        assert!(swapped.contains("# slow"), "{swapped}");

        let gone = changed(text, &["b/y", "c/z"]);
        assert!(gone.contains("# fast") && gone.contains("# slow"), "{gone}");
        assert!(gone.contains("\n    \"c/z\""), "{gone}");
    }
}
