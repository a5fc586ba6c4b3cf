//! Colours: the terminal's own sixteen, in no screen library's words.
//!
//! Every coloured fact also has a letter, a sign or a word; a theme may drop every colour.

/// One of the terminal's sixteen colours, or its default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "colours say themselves what they are")]
pub enum Colour {
    /// Whatever the terminal writes with.
    #[default]
    Default,
    Black,
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
    White,
    BrightBlack,
    BrightRed,
    BrightGreen,
    BrightYellow,
    BrightBlue,
    BrightMagenta,
    BrightCyan,
    BrightWhite,
}

/// Every colour with its word in a theme file.
pub(super) const COLOURS: [(&str, Colour); 17] = [
    ("default", Colour::Default),
    ("black", Colour::Black),
    ("red", Colour::Red),
    ("green", Colour::Green),
    ("yellow", Colour::Yellow),
    ("blue", Colour::Blue),
    ("magenta", Colour::Magenta),
    ("cyan", Colour::Cyan),
    ("white", Colour::White),
    ("bright_black", Colour::BrightBlack),
    ("bright_red", Colour::BrightRed),
    ("bright_green", Colour::BrightGreen),
    ("bright_yellow", Colour::BrightYellow),
    ("bright_blue", Colour::BrightBlue),
    ("bright_magenta", Colour::BrightMagenta),
    ("bright_cyan", Colour::BrightCyan),
    ("bright_white", Colour::BrightWhite),
];

/// How one kind of thing is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    /// The colour of the letters.
    pub colour: Colour,
    /// What goes beside it; stays when colours are dropped.
    pub marks: Marks,
}

/// Marks besides colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Bold.
    pub is_bold: bool,
    /// Reverse video.
    pub is_reversed: bool,
    /// Dim, where the terminal can.
    pub is_dim: bool,
}

macro_rules! parts {
    ($($part:ident: $doc:literal),+ $(,)?) => {
        /// What a theme paints.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Theme {
            $(#[doc = $doc] pub $part: Paint,)+
        }

        /// The parts of a theme, by their word in a theme file.
        pub const PARTS: &[(&str, &str)] = &[$((stringify!($part), $doc)),+];

        impl Theme {
            /// Returns the part of this name to be changed.
            pub(super) fn part_mut(&mut self, name: &str) -> Option<&mut Paint> {
                match name {
                    $(stringify!($part) => Some(&mut self.$part),)+
                    _ => None,
                }
            }

            /// Returns the theme with every colour dropped; bold, reverse and dim stay.
            #[must_use]
            pub fn without_colours(mut self) -> Self {
                $(self.$part.colour = Colour::Default;)+
                self
            }
        }
    };
}

parts! {
    text: "Plain words.",
    quiet: "Less important words: times, hints, quoted text.",
    title: "Headings and the name of a pane.",
    border: "Frames of panes.",
    focus: "The frame of the pane in focus.",
    selection: "The row under the cursor.",
    key: "Names of keys in hints.",
    customer: "The bar beside a customer's message.",
    agent: "The bar beside an agent's message.",
    note: "The bar beside an internal note.",
    draft: "The draft's frame.",
    void: "Words of an attempt that broke off.",
    good: "Things that went well: `ok`, `verified`.",
    warning: "Things to look at: 75 % of the cap, a fallback.",
    bad: "Things that went wrong: a refused key, PAUSED.",
    fallback: "The line that says a backup wrote the draft.",
    urgent: "High and urgent priorities.",
    tag: "Tags.",
    demo: "The word DEMO.",
    search: "What a filter found.",
}

/// A ready-made theme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ThemeName {
    /// The terminal's own colours.
    #[default]
    Default,
    /// Blue and orange for eyes that see red and green alike.
    Cb,
    /// Bold and bright.
    HighContrast,
    /// No colour at all.
    Mono,
}

/// Every ready-made theme.
pub const THEMES: [ThemeName; 4] = [
    ThemeName::Default,
    ThemeName::Cb,
    ThemeName::HighContrast,
    ThemeName::Mono,
];

impl ThemeName {
    /// Returns the word in the config.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Cb => "cb",
            Self::HighContrast => "high-contrast",
            Self::Mono => "mono",
        }
    }

    /// Returns the theme.
    pub fn theme(self) -> Theme {
        Theme::read(match self {
            Self::Default => include_str!("../../assets/themes/default.toml"),
            Self::Cb => include_str!("../../assets/themes/cb.toml"),
            Self::HighContrast => include_str!("../../assets/themes/high-contrast.toml"),
            Self::Mono => include_str!("../../assets/themes/mono.toml"),
        })
        .unwrap_or_default()
    }
}

impl Theme {
    /// Reads a theme file: `part = "colour bold reverse dim"`; the rest stays plain.
    pub fn read(text: &str) -> Result<Self, String> {
        let table: toml::Table = text.parse().map_err(|_| "not TOML".to_owned())?;
        let mut theme = Self::default();
        for (part, value) in &table {
            let words = value
                .as_str()
                .ok_or_else(|| format!("{part}: not a text"))?;
            let paint = theme
                .part_mut(part)
                .ok_or_else(|| format!("{part}: no such part"))?;
            *paint = Paint::read(words).map_err(|word| format!("{part}: no word `{word}`"))?;
        }
        Ok(theme)
    }
}

impl Paint {
    /// Reads `"red bold"`; gives back the word that means nothing.
    pub fn read(words: &str) -> Result<Self, String> {
        let mut paint = Self::default();
        for word in words.split_whitespace() {
            match word {
                "bold" => paint.marks.is_bold = true,
                "reverse" => paint.marks.is_reversed = true,
                "dim" => paint.marks.is_dim = true,
                other => {
                    paint.colour = COLOURS
                        .iter()
                        .find(|(name, _)| *name == other)
                        .map(|(_, colour)| *colour)
                        .ok_or_else(|| other.to_owned())?;
                }
            }
        }
        Ok(paint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [&str; 4] = [
        include_str!("../../assets/themes/default.toml"),
        include_str!("../../assets/themes/cb.toml"),
        include_str!("../../assets/themes/high-contrast.toml"),
        include_str!("../../assets/themes/mono.toml"),
    ];

    #[test]
    fn every_theme_is_whole_and_shows_the_cursor_without_colour() {
        for text in FILES {
            let theme = Theme::read(text).unwrap();
            let table: toml::Table = text.parse().unwrap();

            assert_eq!(table.len(), PARTS.len());
            assert!(theme.selection.marks.is_reversed);
        }
    }

    #[test]
    fn no_theme_paints_with_dark_grey() {
        assert!(FILES.iter().all(|text| !text.contains("bright_black")));
    }

    #[test]
    fn mono_has_no_colour() {
        let mono = ThemeName::Mono.theme();

        assert_eq!(mono, mono.without_colours());
    }

    #[test]
    fn red_and_green_are_never_told_apart_by_cb() {
        assert!(!FILES[1].contains("green") && !FILES[1].contains("red"));
    }
}
