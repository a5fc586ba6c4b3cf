//! Which keys mean which action: a preset, changed by the person's file.

use std::collections::BTreeMap;

use super::{
    action::{ACTIONS, Action, SCOPES, Scope},
    chord::{Chord, Sequence},
};

/// Maps presses to actions, by place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    bound: BTreeMap<(Scope, Sequence), Action>,
}

/// What the presses so far mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Nothing: forget them.
    Nothing,
    /// The beginning of at least one sequence: wait for more.
    Prefix,
    /// This.
    Act(Action),
}

/// A ready-made set of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// The letters support people have in their hands; the table in `action`.
    #[default]
    Desk,
    /// For hands that live in vim.
    Vim,
    /// Arrows and named keys; no sequences.
    Plain,
}

/// Every preset.
pub const PRESETS: [Preset; 3] = [Preset::Desk, Preset::Vim, Preset::Plain];

impl Preset {
    /// Returns the word in the config.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Desk => "desk",
            Self::Vim => "vim",
            Self::Plain => "plain",
        }
    }

    /// Returns what it changes about the table in `action`, as TOML.
    pub(super) const fn changes(self) -> &'static str {
        match self {
            Self::Desk => "",
            Self::Vim => include_str!("../../assets/keymaps/vim.toml"),
            Self::Plain => include_str!("../../assets/keymaps/plain.toml"),
        }
    }
}

/// Two actions that want the same keys in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Where.
    pub scope: Scope,
    /// The keys that were to be bound.
    pub wanted: Sequence,
    /// The keys that are in the way: the same, or a beginning of the other.
    pub present: Sequence,
    /// What has them.
    pub holder: Action,
}

impl Default for Keymap {
    /// Returns the preset `desk`.
    fn default() -> Self {
        let mut map = Self {
            bound: BTreeMap::new(),
        };
        for &action in ACTIONS {
            for &(scope, keys) in action.default_keys() {
                for sequence in keys.iter().filter_map(|keys| keys.parse().ok()) {
                    map.bound.insert((scope, sequence), action);
                }
            }
        }
        map
    }
}

impl Keymap {
    /// Returns what the presses so far mean in one place.
    pub fn meaning(&self, scope: Scope, pressed: &[Chord]) -> Meaning {
        self.meaning_among(scope, pressed, |_| true)
    }

    /// Returns what they mean there, of some actions only.
    pub fn meaning_among(
        &self,
        scope: Scope,
        pressed: &[Chord],
        is_one: impl Fn(Action) -> bool,
    ) -> Meaning {
        let mut meaning = Meaning::Nothing;
        let bound = self.bound.iter().filter(|((at, _), _)| *at == scope);
        for ((_, sequence), &action) in bound.filter(|(_, action)| is_one(**action)) {
            if sequence.0 == pressed {
                return Meaning::Act(action);
            }
            if sequence.0.starts_with(pressed) {
                meaning = Meaning::Prefix;
            }
        }
        meaning
    }

    /// Returns what can follow the presses so far: the rest of each sequence and what it does.
    pub fn after(&self, scope: Scope, pressed: &[Chord]) -> Vec<(Sequence, Action)> {
        self.bound
            .iter()
            .filter(|((at, _), _)| *at == scope)
            .filter_map(|((_, sequence), &action)| {
                let rest = sequence.0.strip_prefix(pressed)?;
                (!rest.is_empty()).then(|| (Sequence(rest.to_vec()), action))
            })
            .collect()
    }

    /// Returns the keys of an action in one place; the first is the one to show.
    ///
    /// Keys of the action's own table come in its order, others after them.
    pub fn keys(&self, scope: Scope, action: Action) -> Vec<Sequence> {
        let mut keys: Vec<Sequence> = self
            .bound
            .iter()
            .filter(|((at, _), bound)| *at == scope && **bound == action)
            .map(|((_, sequence), _)| sequence.clone())
            .collect();
        let usual: Vec<Sequence> = action
            .default_keys()
            .iter()
            .filter(|(at, _)| *at == scope)
            .flat_map(|(_, keys)| keys.iter().filter_map(|keys| keys.parse().ok()))
            .collect();
        keys.sort_by_key(|keys| usual.iter().position(|known| known == keys).unwrap_or(99));
        keys
    }

    /// Returns the key to show beside an action: at the desk, else wherever it has one.
    pub fn shown(&self, action: Action) -> Option<String> {
        SCOPES
            .into_iter()
            .find_map(|scope| self.keys(scope, action).into_iter().next())
            .map(|keys| keys.to_string())
    }

    /// Takes every key of an action in one place away.
    pub fn unbind(&mut self, scope: Scope, action: Action) {
        self.bound
            .retain(|(at, _), bound| *at != scope || *bound != action);
    }

    /// Binds keys to an action, taking them from whatever had them; returns those.
    pub fn bind(&mut self, scope: Scope, wanted: Sequence, action: Action) -> Vec<Clash> {
        let in_the_way = |present: &Sequence| {
            present.0.starts_with(&wanted.0) || wanted.0.starts_with(&present.0)
        };
        let clashes: Vec<Clash> = self
            .bound
            .iter()
            .filter(|((at, present), holder)| {
                *at == scope && in_the_way(present) && **holder != action
            })
            .map(|((_, present), &holder)| Clash {
                scope,
                wanted: wanted.clone(),
                present: present.clone(),
                holder,
            })
            .collect();
        for clash in &clashes {
            self.bound.remove(&(scope, clash.present.clone()));
        }
        self.bound.insert((scope, wanted), action);
        clashes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(keys: &str) -> Vec<Chord> {
        keys.parse::<Sequence>().unwrap().0
    }

    #[test]
    fn every_default_key_is_read_and_none_is_in_anothers_way() {
        let mut map = Keymap {
            bound: BTreeMap::new(),
        };
        for &action in ACTIONS {
            for &(scope, keys) in action.default_keys() {
                for keys in keys {
                    assert_eq!(map.bind(scope, keys.parse().unwrap(), action), vec![]);
                }
            }
        }
        assert_eq!(map, Keymap::default());
    }

    #[test]
    fn a_sequence_waits_for_its_end() {
        let map = Keymap::default();

        assert_eq!(map.meaning(Scope::Desk, &pressed("g")), Meaning::Prefix);
        assert_eq!(
            map.meaning(Scope::Desk, &pressed("g g")),
            Meaning::Act(Action::Top)
        );
        assert_eq!(map.meaning(Scope::Desk, &pressed("g x")), Meaning::Nothing);
        assert_eq!(map.meaning(Scope::Editor, &pressed("g")), Meaning::Nothing);
        assert!(
            map.after(Scope::Desk, &pressed("a"))
                .contains(&("m".parse().unwrap(), Action::AssignMe))
        );
    }

    #[test]
    fn letters_are_text_in_the_editor_and_the_picker() {
        let map = Keymap::default();

        for scope in [Scope::Editor, Scope::Picker] {
            for c in ' '..='~' {
                let press = [Chord::plain(super::super::chord::Key::Char(c))];
                assert_eq!(map.meaning(scope, &press), Meaning::Nothing, "{c}");
            }
        }
    }

    #[test]
    fn a_bound_key_is_taken_from_its_holder() {
        let mut map = Keymap::default();

        let clashes = map.bind(Scope::Desk, "d".parse().unwrap(), Action::Undo);

        assert_eq!(clashes.len(), 1);
        assert_eq!(clashes[0].holder, Action::Draft);
        assert_eq!(
            map.meaning(Scope::Desk, &pressed("d")),
            Meaning::Act(Action::Undo)
        );
        assert_eq!(map.shown(Action::Draft), None);
        assert_eq!(map.shown(Action::Down).as_deref(), Some("j"));
    }
}
