//! A few things to choose from: a status, a priority, how to redraft, a model.

use std::time::Duration;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::paint::{self, style, write_line};
use crate::{
    config::theme::Theme,
    domain::{LinkName, Priority, ProviderName, Status, TicketId, ticket::STATUSES},
};

/// An open menu.
#[derive(Debug)]
pub struct Menu {
    title: String,
    items: Vec<Item>,
    cursor: usize,
}

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The letter that chooses it at once.
    pub letter: Option<char>,
    /// What it is.
    pub words: String,
    /// What choosing it does.
    pub choice: Choice,
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A status for a ticket.
    Status(TicketId, Status),
    /// A priority for a ticket.
    Priority(TicketId, Option<Priority>),
    /// A redraft, with a hint.
    Redraft(TicketId, Option<String>),
    /// A redraft by one of these links: which is asked next.
    OtherProvider(TicketId, Vec<LinkName>),
    /// A redraft that asks this link first.
    ByLink(TicketId, LinkName),
    /// A redraft with words of one's own.
    OwnHint(TicketId),
    /// The model a provider is asked for.
    Model(ProviderName, String),
    /// A rest for a link or a provider, by hand.
    Rest(String, Duration),
    /// The removal of a provider's key.
    RemoveKey(ProviderName),
    /// A link to open.
    Link(String),
    /// Nothing after all.
    Nothing,
}

impl Menu {
    /// Offers the statuses that a ticket may take.
    pub fn statuses(ticket: TicketId, now: Status) -> Self {
        let items = STATUSES
            .into_iter()
            .filter(|&to| to != now)
            .filter(|&to| {
                now.after(&crate::domain::TicketEvent::SetByHand(to))
                    .is_ok()
            })
            .map(|to| Item {
                letter: Some(to.letter().to_ascii_lowercase()),
                words: to.word().to_owned(),
                choice: Choice::Status(ticket, to),
            })
            .collect();
        Self {
            title: format!("STATUS, now {now}"),
            items,
            cursor: 0,
        }
    }

    /// Offers the priorities.
    pub fn priorities(ticket: TicketId) -> Self {
        let levels = [
            ('u', "urgent", Some(Priority::Urgent)),
            ('h', "high", Some(Priority::High)),
            ('n', "normal", Some(Priority::Normal)),
            ('l', "low", Some(Priority::Low)),
            ('x', "none", None),
        ];
        let items = levels
            .into_iter()
            .map(|(letter, words, level)| Item {
                letter: Some(letter),
                words: words.to_owned(),
                choice: Choice::Priority(ticket, level),
            })
            .collect();
        Self {
            title: "PRIORITY".to_owned(),
            items,
            cursor: 0,
        }
    }

    /// Offers ways to draft again; with other links in the chain, also one of them first.
    pub fn redraft(ticket: TicketId, others: Vec<LinkName>) -> Self {
        let hints = [
            ('r', "again, as before", None),
            ('s', "shorter", Some("shorter")),
            ('l', "longer", Some("longer")),
            ('w', "warmer", Some("warmer")),
            ('f', "firmer", Some("firmer")),
        ];
        let mut items: Vec<Item> = hints
            .into_iter()
            .map(|(letter, words, hint)| Item {
                letter: Some(letter),
                words: words.to_owned(),
                choice: Choice::Redraft(ticket, hint.map(str::to_owned)),
            })
            .collect();
        if !others.is_empty() {
            items.push(Item {
                letter: Some('p'),
                words: "by another provider …".to_owned(),
                choice: Choice::OtherProvider(ticket, others),
            });
        }
        items.push(Item {
            letter: Some('.'),
            words: "in your words …".to_owned(),
            choice: Choice::OwnHint(ticket),
        });
        Self {
            title: "REDRAFT (the old text is kept)".to_owned(),
            items,
            cursor: 0,
        }
    }

    /// Offers links of which one is asked first.
    pub fn other_provider(ticket: TicketId, links: Vec<LinkName>) -> Self {
        let items = links
            .into_iter()
            .zip('1'..)
            .map(|(link, letter)| Item {
                letter: letter.is_ascii_digit().then_some(letter),
                words: paint::safe(&link.to_string()),
                choice: Choice::ByLink(ticket, link),
            })
            .collect();
        Self {
            title: "WHO IS ASKED FIRST".to_owned(),
            items,
            cursor: 0,
        }
    }

    /// Offers the models of a provider.
    pub fn models(provider: &ProviderName, models: &[String], now: Option<&str>) -> Self {
        let items: Vec<Item> = models
            .iter()
            .map(|model| Item {
                letter: None,
                words: paint::safe(model),
                choice: Choice::Model(provider.clone(), model.clone()),
            })
            .collect();
        let cursor = models
            .iter()
            .position(|model| Some(model.as_str()) == now)
            .unwrap_or(0);
        Self {
            title: format!("MODEL OF {}", paint::safe(&provider.0)),
            items,
            cursor,
        }
    }

    /// Asks how long a link or a provider is left alone.
    pub fn rest(whom: &str) -> Self {
        let times = [
            ('5', "5 minutes", Duration::from_mins(5)),
            ('1', "1 hour", Duration::from_hours(1)),
            ('8', "8 hours", Duration::from_hours(8)),
            ('d', "a day", Duration::from_hours(24)),
            ('w', "a week", Duration::from_hours(24 * 7)),
        ];
        let items = times
            .into_iter()
            .map(|(letter, words, time)| Item {
                letter: Some(letter),
                words: words.to_owned(),
                choice: Choice::Rest(whom.to_owned(), time),
            })
            .collect();
        Self {
            title: format!("LEAVE {} ALONE FOR", paint::safe(whom)),
            items,
            cursor: 0,
        }
    }

    /// Asks whether a key is really to be removed.
    pub fn remove_key(provider: &ProviderName) -> Self {
        let keep = Item {
            letter: Some('k'),
            words: "keep it".to_owned(),
            choice: Choice::Nothing,
        };
        let remove = Item {
            letter: Some('r'),
            words: "remove it from the keyring".to_owned(),
            choice: Choice::RemoveKey(provider.clone()),
        };
        let title = format!("KEY OF {}", paint::safe(&provider.0));
        Self {
            title,
            items: vec![keep, remove],
            cursor: 0,
        }
    }

    /// Offers links to open, each with its host: the words round a link may say another.
    pub fn links(links: Vec<String>) -> Self {
        let items = links.into_iter().zip('1'..='9').map(|(link, letter)| {
            let rest = link.split_once("://").map_or("", |(_, rest)| rest);
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            // What stands before an @ is a name, made to look like a host.
            let host = host.rsplit('@').next().unwrap_or_default();
            let plain = if link.starts_with("http://") {
                " (not private)"
            } else {
                ""
            };
            let words = format!("{}{plain}  {}", paint::safe(host), paint::safe(&link));
            Item {
                letter: Some(letter),
                words,
                choice: Choice::Link(link),
            }
        });
        Self {
            title: "OPEN A LINK".to_owned(),
            items: items.collect(),
            cursor: 0,
        }
    }

    /// Returns how many things there are to choose from.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Tells whether there is nothing to choose.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Moves the cursor, round the end.
    pub fn move_by(&mut self, rows: isize) {
        let last = self.items.len().saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(rows).min(last);
    }

    /// Returns what is under the cursor.
    pub fn chosen(&self) -> Option<Choice> {
        self.items.get(self.cursor).map(|item| item.choice.clone())
    }

    /// Returns what a letter chooses.
    pub fn by_letter(&self, letter: char) -> Option<Choice> {
        let found = self.items.iter().find(|item| item.letter == Some(letter));
        found.map(|item| item.choice.clone())
    }
}

/// Paints a menu.
pub fn draw(buffer: &mut Buffer, area: Rect, menu: &Menu, theme: &Theme) {
    let inside = paint::boxed(buffer, area, &menu.title, style(theme.focus));
    let wide = usize::from(inside.width);
    let room = usize::from(inside.height.saturating_sub(1)).max(1);
    let top = (menu.cursor + 1).saturating_sub(room);
    let rows = menu.items.iter().enumerate().skip(top).take(room);
    for ((place, item), row) in rows.zip(0_u16..) {
        let mark = if place == menu.cursor { ">" } else { " " };
        let letter = item.letter.map_or_else(String::new, String::from);
        let left = vec![
            Span::raw(format!(" {mark} ")),
            Span::raw(paint::pad(&letter, 3)),
            Span::raw(item.words.clone()),
        ];
        let mut line = paint::row(left, Vec::new(), wide);
        if place == menu.cursor {
            line = line.style(style(theme.selection));
        }
        write_line(buffer, inside, row, &line);
    }
    let foot = " Enter or the letter chooses   Esc close";
    let last = inside.height.saturating_sub(1);
    write_line(
        buffer,
        inside,
        last,
        &Line::styled(foot, style(theme.quiet)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    #[test]
    fn only_legal_statuses_are_offered() {
        let ticket = fixture::row(1).id;

        let menu = Menu::statuses(ticket, Status::Open);

        assert_eq!(
            menu.by_letter('s'),
            Some(Choice::Status(ticket, Status::Solved))
        );
        assert_eq!(menu.by_letter('n'), None);
        assert_eq!(menu.by_letter('o'), None);
    }

    #[test]
    fn every_letter_of_a_menu_is_its_own() {
        let ticket = fixture::row(1).id;
        let others = vec![LinkName::new("openai", "mini")];
        let menus = [
            Menu::statuses(ticket, Status::New),
            Menu::priorities(ticket),
            Menu::redraft(ticket, others.clone()),
            Menu::other_provider(ticket, others),
        ];
        for menu in menus {
            let mut letters: Vec<_> = menu.items.iter().filter_map(|item| item.letter).collect();
            let all = letters.len();
            letters.sort_unstable();
            letters.dedup();
            assert_eq!(letters.len(), all, "{}", menu.title);
        }
    }
}
