//! `[keys]`: what the person binds, on top of a preset.

use super::{
    action::{ACTIONS, Action, SCOPES, Scope},
    chord::Sequence,
    finding::nearest,
    keymap::{Clash, Keymap, Preset},
    reader::{Reader, Section, Span, looks_like_key, quoted, texts},
};

/// One binding of the file, and where it stands.
struct Binding {
    scope: Scope,
    action: Action,
    keys: Sequence,
    span: Span,
}

/// Returns the keymap: the table of actions, changed by the preset, changed by the file.
pub(super) fn keymap(reader: &mut Reader<'_>, root: &Section<'_>, preset: Preset) -> Keymap {
    let mut map = preset.keymap();
    let Some(table) = root.open_any(reader, "keys") else {
        return map;
    };
    let mut bindings = Vec::new();
    for scope in SCOPES {
        let section = match scope {
            Scope::Desk => None,
            Scope::Editor | Scope::Picker => match table.open_any(reader, scope.word()) {
                Some(section) => Some(section),
                None => continue,
            },
        };
        let section = section.as_ref().unwrap_or(&table);
        bindings.extend(read(reader, section, scope, &mut map));
    }
    // What the file takes from the preset is told only when the file agrees with itself.
    if !has_clashes(reader, &bindings) {
        apply(reader, bindings, &mut map);
    }
    map
}

impl Preset {
    /// Returns the preset's keymap.
    pub fn keymap(self) -> Keymap {
        let mut map = Keymap::default();
        let text = self.changes();
        let mut reader = Reader::new(std::path::Path::new(self.word()), text);
        let document = reader.document();
        let words = SCOPES.map(Scope::word);
        for scope in SCOPES {
            let table = match scope {
                Scope::Desk => Some(document.get_ref()),
                Scope::Editor | Scope::Picker => document
                    .get_ref()
                    .get(scope.word())
                    .and_then(|value| value.get_ref().as_table()),
            };
            let entries = table.into_iter().flat_map(|table| table.iter());
            for (name, value) in
                entries.filter(|(name, _)| !words.contains(&name.get_ref().as_ref()))
            {
                let Some(action) = Action::named(name.get_ref()) else {
                    continue;
                };
                map.unbind(scope, action);
                let keys = texts(&mut reader, name.get_ref(), value).unwrap_or_default();
                for keys in keys.iter().filter_map(|(keys, _)| keys.parse().ok()) {
                    map.bind(scope, keys, action);
                }
            }
        }
        map
    }
}

/// Reads one table of bindings; an action named there loses its keys of the preset.
fn read(
    reader: &mut Reader<'_>,
    section: &Section<'_>,
    scope: Scope,
    map: &mut Keymap,
) -> Vec<Binding> {
    let mut bindings = Vec::new();
    let tables = [Scope::Editor.word(), Scope::Picker.word()];
    for (name, span, value) in section.entries() {
        if scope == Scope::Desk && tables.contains(&name) {
            continue;
        }
        let Some(action) = Action::named(name) else {
            let hint = nearest(name, ACTIONS.iter().map(|action| action.name())).map_or_else(
                || "docs/keys.md lists them all.".to_owned(),
                |near| format!("Did you mean `{near}`?"),
            );
            reader.error(
                &span,
                format!("there is no action {}.", quoted(name)),
                Some(hint),
            );
            continue;
        };
        map.unbind(scope, action);
        for (keys, span) in texts(reader, name, value).unwrap_or_default() {
            match keys.parse::<Sequence>() {
                Ok(keys) if is_text(scope, &keys) => {
                    let message = format!("`{keys}` is text in the {}.", scope.word());
                    let hint = "Use a chord with Ctrl or Alt, or a named key.".to_owned();
                    reader.error(&span, message, Some(hint));
                }
                Ok(keys) => bindings.push(Binding {
                    scope,
                    action,
                    keys,
                    span,
                }),
                Err(wrong) => {
                    let suggestion = wrong.suggestion.filter(|_| !looks_like_key(keys));
                    let hint = suggestion.map_or_else(
                        || {
                            "Write keys like \"j\", \"ctrl+k\", \"shift+tab\" or \"g g\"."
                                .to_owned()
                        },
                        |near| format!("Did you mean \"{near}\"?"),
                    );
                    reader.error(&span, format!("{} is no key.", quoted(keys)), Some(hint));
                }
            }
        }
    }
    bindings
}

/// Tells whether keys begin with a character that is text where they are read.
fn is_text(scope: Scope, keys: &Sequence) -> bool {
    let is_plain = keys.0.first().is_some_and(|chord| {
        matches!(chord.key, super::chord::Key::Char(_)) && !chord.ctrl && !chord.alt
    });
    scope != Scope::Desk && is_plain
}

/// Notes two bindings of the file that want the same keys, at the later line; tells whether there
/// are any.
fn has_clashes(reader: &mut Reader<'_>, bindings: &[Binding]) -> bool {
    let mut has_clashes = false;
    for (place, first) in bindings.iter().enumerate() {
        for second in bindings.iter().skip(place + 1) {
            let overlap = first.keys.0.starts_with(&second.keys.0)
                || second.keys.0.starts_with(&first.keys.0);
            if first.scope != second.scope || first.action == second.action || !overlap {
                continue;
            }
            has_clashes = true;
            let (early, late) = if first.span.start < second.span.start {
                (first, second)
            } else {
                (second, first)
            };
            let (line, _) = reader.place(early.span.start);
            let message = format!(
                "`{}` for {} is in the way of `{}` for {} in line {line}.",
                late.keys, late.action, early.keys, early.action
            );
            reader.error(
                &late.span,
                message,
                Some("Change one of the two.".to_owned()),
            );
        }
    }
    has_clashes
}

/// Binds; what loses its last key by that is told.
fn apply(reader: &mut Reader<'_>, bindings: Vec<Binding>, map: &mut Keymap) {
    let mut taken: Vec<(Clash, Action, Span)> = Vec::new();
    for binding in bindings {
        let clashes = map.bind(binding.scope, binding.keys, binding.action);
        taken.extend(
            clashes
                .into_iter()
                .map(|clash| (clash, binding.action, binding.span.clone())),
        );
    }
    for (clash, action, span) in taken {
        if map.keys(clash.scope, clash.holder).is_empty() {
            let message = format!(
                "`{}` for {action} takes `{}` from {}, which has no key now.",
                clash.wanted, clash.present, clash.holder
            );
            let hint = format!(
                "Bind {} to another key; the palette has it too.",
                clash.holder
            );
            reader.warning(&span, message, Some(hint));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keymap::PRESETS;

    #[test]
    fn presets_name_only_actions_and_keys_that_exist() {
        for preset in PRESETS {
            let text = format!(
                "[keys]\n{}",
                preset.changes().replace("[picker]", "[keys.picker]")
            );
            let mut reader = Reader::new(std::path::Path::new(preset.word()), &text);
            let document = reader.document();
            let root = Section::root(&mut reader, document.get_ref(), &["keys"]);

            let map = keymap(&mut reader, &root, Preset::Desk);

            assert_eq!(reader.into_findings(), vec![], "{}", preset.word());
            assert_eq!(map, preset.keymap(), "{}", preset.word());
        }
    }

    #[test]
    fn every_preset_leaves_every_action_its_key() {
        let desk = Keymap::default();
        for preset in PRESETS {
            let map = preset.keymap();
            for &action in ACTIONS {
                for scope in SCOPES
                    .into_iter()
                    .filter(|&at| !desk.keys(at, action).is_empty())
                {
                    assert!(
                        !map.keys(scope, action).is_empty(),
                        "{} {action}",
                        preset.word()
                    );
                }
            }
        }
    }

    #[test]
    fn the_plain_preset_needs_one_press_for_everything() {
        let map = Preset::Plain.keymap();

        for &action in ACTIONS {
            for keys in map.keys(Scope::Desk, action) {
                assert_eq!(keys.0.len(), 1, "{action} {keys}");
            }
        }
    }
}
