//! The keys of the desk, from the one table of actions; typing searches.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    line::InputLine,
    paint::{self, style, write_line},
};
use crate::config::{
    action::{ACTIONS, GROUPS, Scope},
    keymap::Keymap,
    theme::Theme,
};

/// The open help.
#[derive(Debug, Default)]
pub struct Help {
    /// What is searched for.
    pub line: InputLine,
    /// Lines scrolled away.
    pub top: usize,
}

/// One line of help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelpLine {
    /// A heading.
    Title(&'static str),
    /// Keys, what they do, and the action's name in the config.
    Entry(String, &'static str, &'static str),
}

impl Help {
    /// Scrolls.
    pub fn move_by(&mut self, lines: isize) {
        self.top = self.top.saturating_add_signed(lines).min(200);
    }
}

/// Returns every line that holds what is searched for.
pub fn lines(keymap: &Keymap, search: &str) -> Vec<HelpLine> {
    let search = search.trim().to_lowercase();
    let mut lines = Vec::new();
    for group in GROUPS {
        let entries: Vec<HelpLine> = ACTIONS
            .iter()
            .filter(|action| action.group() == group)
            .filter_map(|action| {
                let keys: Vec<String> = [(Scope::Desk, ""), (Scope::Editor, "editing: ")]
                    .into_iter()
                    .flat_map(|(scope, word)| {
                        let keys = keymap.keys(scope, *action);
                        keys.into_iter().map(move |keys| format!("{word}{keys}"))
                    })
                    .collect();
                let keys = keys.join(" ");
                let text = format!("{keys} {} {}", action.help(), action.synonyms());
                let is_found = search.is_empty() || text.to_lowercase().contains(&search);
                is_found.then_some(HelpLine::Entry(keys, action.help(), action.name()))
            })
            .collect();
        if !entries.is_empty() {
            lines.push(HelpLine::Title(group.title()));
            lines.extend(entries);
        }
    }
    lines
}

/// Paints the help; returns where the caret stands.
pub fn draw(
    buffer: &mut Buffer,
    area: Rect,
    help: &Help,
    (keymap, theme): (&Keymap, &Theme),
) -> (u16, u16) {
    let inside = paint::boxed(buffer, area, "HELP", style(theme.focus));
    let wide = usize::from(inside.width);
    let typed = format!(" search: {}", help.line.text());
    write_line(buffer, inside, 0, &Line::raw(paint::cut(&typed, wide)));
    paint::rule(buffer, inside, 1, "", (style(theme.border), "─"));
    let list = Rect {
        y: inside.y + 2,
        height: inside.height.saturating_sub(3),
        ..inside
    };
    let lines = lines(keymap, help.line.text());
    let top = help
        .top
        .min(lines.len().saturating_sub(usize::from(list.height)));
    for (line, row) in lines.iter().skip(top).zip(0..list.height) {
        let line = match line {
            HelpLine::Title(title) => Line::styled(format!(" {title}"), style(theme.title)),
            HelpLine::Entry(keys, words, name) => paint::row(
                vec![
                    Span::styled(format!("   {} ", paint::pad(keys, 18)), style(theme.key)),
                    Span::raw(*words),
                ],
                vec![Span::styled(format!("  {name} "), style(theme.quiet))],
                wide,
            ),
        };
        write_line(buffer, list, row, &line);
    }
    let below = lines.len().saturating_sub(top + usize::from(list.height));
    let more = if below > 0 {
        format!("↓{below} more   ")
    } else {
        String::new()
    };
    let foot = format!(" {more}PgDn/PgUp scroll   type to search   Esc close");
    write_line(
        buffer,
        inside,
        inside.height.saturating_sub(1),
        &Line::styled(foot, style(theme.quiet)),
    );
    let x = inside.x + paint::cells(9 + paint::width(help.line.before_caret()));
    (x.min(inside.right().saturating_sub(1)), inside.y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_a_line_and_a_search_narrows() {
        let all = lines(&Keymap::default(), "");
        let entries = all
            .iter()
            .filter(|line| matches!(line, HelpLine::Entry(..)))
            .count();

        assert_eq!(entries, ACTIONS.len());
        let found = lines(&Keymap::default(), "outbox");
        assert!(!found.is_empty() && found.len() < all.len());
        assert!(lines(&Keymap::default(), "no such thing").is_empty());
    }
}
