//! The Receipts screen: every AI action, newest first, narrowed by a query; one of them open.

mod state;
#[cfg(test)]
mod tests;
pub mod view;

use super::{
    effect::Effect,
    model::{Model, Overlay},
    prompt::{Prompt, PromptKind},
    queue::View,
};
pub use state::{After, ReceiptsScreen};

/// Opens the screen with a query; what the query means is read from it as a person would type it.
pub fn open(model: &mut Model, query: &str) -> Vec<Effect> {
    // Each opening has turns of its own: what was asked before is not taken for its answer.
    model.work.openings += 1;
    let turn = model.work.openings << 32;
    let (screen, after) = ReceiptsScreen::open(query, model.stage.now.civil, turn);
    model.overlay = Some(Overlay::Receipts(screen));
    follow(model, after)
}

/// Opens it from the figures, to which one comes back.
pub fn open_from(model: &mut Model, query: &str) -> Vec<Effect> {
    let from = match model.overlay.take() {
        Some(Overlay::Overview(screen)) => Some(Box::new(screen)),
        _ => None,
    };
    let effects = open(model, query);
    if let Some(Overlay::Receipts(screen)) = &mut model.overlay {
        screen.back = from;
    }
    effects
}

/// Does what follows a key of the screen.
pub fn follow(model: &mut Model, after: After) -> Vec<Effect> {
    match after {
        After::Stay => Vec::new(),
        After::Close => {
            let back = match &mut model.overlay {
                Some(Overlay::Receipts(screen)) => screen.back.take(),
                _ => None,
            };
            model.overlay = back.map(|screen| Overlay::Overview(*screen));
            Vec::new()
        }
        After::Say(words) => {
            model.notes.say(words, model.stage.now);
            Vec::new()
        }
        After::Load(ask) => vec![Effect::LoadReceipts(ask)],
        After::Ticket(number) => to_ticket(model, number),
        After::Export(query) => {
            model.overlay = Some(Overlay::Prompt(Prompt::open(
                PromptKind::Export(query),
                "receipts.csv",
            )));
            Vec::new()
        }
    }
}

/// Looks for what was added since the screen was read.
pub fn look_again(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Receipts(screen)) = &mut model.overlay else {
        return Vec::new();
    };
    let after = screen.look_again();
    follow(model, after)
}

/// Closes the screen and shows a ticket in the queue.
fn to_ticket(model: &mut Model, number: i64) -> Vec<Effect> {
    model.overlay = None;
    if model.queue.seek(|row| row.number == number) {
        return Vec::new();
    }
    let mut effects = vec![model.queue.go(View::All)];
    match model.queue.set_filter(&format!("#{number}")) {
        Ok(effect) => effects = vec![effect],
        Err(why) => model.notes.warn(why.to_string(), model.stage.now),
    }
    effects
}
