//! How the terminal is divided, by its width and height. Pure: used by painting and by `update`.

use ratatui::layout::Rect;

use super::model::{Focus, Model, Overlay};

/// The smallest terminal the desk works in.
pub const SMALLEST: (u16, u16) = (60, 16);

const QUEUE_WIDE: u16 = 37;
const SIDE_WIDE: u16 = 29;
/// A longer line is hard to read.
const TALK_WIDEST: u16 = 94;
const PEEK_HIGH: u16 = 5;

/// How many panes stand side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// None: one sentence.
    TooSmall,
    /// One at a time.
    One,
    /// Queue and ticket; the side as overlay.
    Two,
    /// Queue, ticket and side.
    Three,
}

/// Where everything is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// How many panes.
    pub shape: Shape,
    /// The first line.
    pub header: Rect,
    /// Lines that stay until their cause is gone.
    pub banners: Rect,
    /// All panes with their frame.
    pub body: Rect,
    /// Inside of the queue's pane.
    pub queue: Option<Rect>,
    /// Inside of the ticket's pane.
    pub talk: Option<Rect>,
    /// Inside of the side pane.
    pub side: Option<Rect>,
    /// What the ticket under the cursor is about, below a lone queue.
    pub peek: Option<Rect>,
    /// What keys do here.
    pub hint: Option<Rect>,
    /// The newest note.
    pub status: Rect,
}

impl Layout {
    /// Tells whether panes have a frame round them.
    pub const fn is_framed(&self) -> bool {
        matches!(self.shape, Shape::Two | Shape::Three)
    }
}

/// Divides the terminal.
pub fn layout(model: &Model) -> Layout {
    let size = model.stage.size;
    let whole = Rect::new(0, 0, size.width, size.height);
    let shape = match (size.width, size.height) {
        (wide, high) if wide < SMALLEST.0 || high < SMALLEST.1 => Shape::TooSmall,
        (..100, _) => Shape::One,
        (..120, _) => Shape::Two,
        _ => Shape::Three,
    };
    let banners = u16::try_from(model.notes.banners().len())
        .unwrap_or(0)
        .min(2);
    let has_hint = size.height >= 22;
    let foot = if has_hint { 2 } else { 1 };
    let header = Rect {
        height: 1.min(whole.height),
        ..whole
    };
    let status_row = whole.height.saturating_sub(1);
    let status = Rect {
        y: status_row,
        height: 1.min(whole.height),
        ..whole
    };
    let hint = has_hint.then_some(Rect {
        y: status_row.saturating_sub(1),
        ..status
    });
    let top = 1 + banners;
    let body = Rect {
        y: top.min(whole.height),
        height: whole.height.saturating_sub(top + foot),
        ..whole
    };
    let mut layout = Layout {
        shape,
        header,
        banners: Rect {
            y: 1.min(whole.height),
            height: banners.min(status_row),
            ..whole
        },
        body,
        queue: None,
        talk: None,
        side: None,
        peek: None,
        hint,
        status,
    };
    match shape {
        Shape::TooSmall => {}
        Shape::One => one_pane(&mut layout, model),
        Shape::Two | Shape::Three => panes(&mut layout, model),
    }
    layout
}

/// One pane between two rules.
fn one_pane(layout: &mut Layout, model: &Model) {
    let has_rules = layout.body.height >= 15;
    let inside = Rect {
        y: layout.body.y + u16::from(has_rules),
        height: layout.body.height - 2 * u16::from(has_rules),
        ..layout.body
    };
    match model.stage.focus {
        Focus::Queue if model.stage.size.height >= 24 => {
            let high = inside.height.saturating_sub(PEEK_HIGH);
            layout.queue = Some(Rect {
                height: high,
                ..inside
            });
            layout.peek = Some(Rect {
                y: inside.y + high,
                height: PEEK_HIGH,
                ..inside
            });
        }
        Focus::Queue => layout.queue = Some(inside),
        Focus::Talk => layout.talk = Some(inside),
        Focus::Side => layout.side = Some(inside),
    }
}

/// Panes in one frame.
fn panes(layout: &mut Layout, model: &Model) {
    let body = layout.body;
    let column = |x: u16, width: u16| {
        let height = body.height.saturating_sub(2);
        Rect {
            x,
            y: body.y + 1,
            width,
            height,
        }
    };
    if layout.shape == Shape::Two {
        let queue = QUEUE_WIDE - 1;
        let talk = body.width.saturating_sub(queue + 3);
        layout.queue = Some(column(1, queue));
        layout.talk = Some(column(queue + 2, talk));
        if model.stage.focus == Focus::Side {
            let wide = SIDE_WIDE + 11;
            layout.side = Some(column(body.width.saturating_sub(wide + 1), wide));
        }
        return;
    }
    let talk = body
        .width
        .saturating_sub(QUEUE_WIDE + SIDE_WIDE + 4)
        .min(TALK_WIDEST);
    let side = body.width.saturating_sub(QUEUE_WIDE + talk + 4);
    layout.queue = Some(column(1, QUEUE_WIDE));
    layout.talk = Some(column(QUEUE_WIDE + 2, talk));
    layout.side = Some(column(QUEUE_WIDE + talk + 3, side));
}

/// Returns the place of an overlay.
pub fn overlay(model: &Model, overlay: &Overlay) -> Rect {
    let layout = model.layout();
    let (wide, high) = match overlay {
        Overlay::Palette(_) => (64, 18),
        Overlay::Help(_)
        | Overlay::Keys(_)
        | Overlay::Routing(_)
        | Overlay::Drill(_)
        | Overlay::Compare(_)
        | Overlay::CatchUp(_)
        | Overlay::Outbox(_)
        | Overlay::Files(_)
        | Overlay::SetUp(_)
        | Overlay::Mailbox(_) => (96, layout.body.height),
        Overlay::Receipts(_)
        | Overlay::Overview(_)
        | Overlay::Providers(_)
        | Overlay::Mapping(_) => (layout.body.width, layout.body.height),
        Overlay::Prompt(_) => (72, 6),
        Overlay::Menu(menu) => (
            60,
            u16::try_from(menu.len())
                .unwrap_or(u16::MAX)
                .saturating_add(3),
        ),
    };
    super::paint::middle(layout.body, wide, high)
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Size;

    use super::*;
    use crate::tui::fixture;

    fn at(width: u16, height: u16) -> Layout {
        let mut model = fixture::empty();
        model.stage.size = Size { width, height };
        layout(&model)
    }

    #[test]
    fn the_width_decides_how_many_panes_there_are() {
        assert_eq!(at(59, 30).shape, Shape::TooSmall);
        assert_eq!(at(60, 15).shape, Shape::TooSmall);
        assert_eq!(at(60, 16).shape, Shape::One);
        assert_eq!(at(99, 30).shape, Shape::One);
        assert_eq!(at(100, 30).shape, Shape::Two);
        assert_eq!(at(120, 36).shape, Shape::Three);
    }

    #[test]
    fn a_wide_terminal_gives_the_conversation_92_columns_then_the_side() {
        let talk = |width| at(width, 40).talk.unwrap().width;

        assert_eq!(talk(120), 50);
        assert_eq!(talk(200), TALK_WIDEST);
        assert!(at(200, 40).side.unwrap().width > SIDE_WIDE);
    }

    #[test]
    fn nothing_is_painted_outside_at_any_size() {
        for width in 1..140_u16 {
            for height in 1..40_u16 {
                let layout = at(width, height);
                let whole = Rect::new(0, 0, width, height);
                let parts = [
                    layout.queue,
                    layout.talk,
                    layout.side,
                    layout.peek,
                    layout.hint,
                ];
                let fixed = [layout.header, layout.body, layout.status];
                for part in parts.into_iter().flatten().chain(fixed) {
                    assert_eq!(part.intersection(whole), part, "{width}x{height} {part:?}");
                }
            }
        }
    }

    #[test]
    fn a_low_terminal_loses_the_peek_strip_first() {
        assert!(at(80, 24).peek.is_some() && at(80, 24).hint.is_some());
        assert!(at(80, 23).peek.is_none() && at(80, 23).hint.is_some());
        assert!(at(60, 20).hint.is_none());
    }
}
