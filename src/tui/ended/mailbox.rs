//! What follows when a step to a mailbox has ended.

use crate::tui::{
    effect::Effect,
    event::{Done, Trouble},
    model::{Model, Overlay},
    over,
    setup::SetUp,
};

/// Takes the accounts there are, servers that were found, or an account that was added.
pub(super) fn mailbox(model: &mut Model, done: Done) -> Vec<Effect> {
    match (done, &mut model.overlay) {
        (Done::Accounts(sources), Some(Overlay::SetUp(setup))) => setup.sources = sources,
        (Done::Servers(address, found), Some(Overlay::Mailbox(screen))) => {
            screen.found(&address, found);
        }
        (Done::KnownAccount(account), Some(Overlay::Mailbox(screen))) => {
            return over::mailbox(screen.known(*account));
        }
        (Done::AccountAdded(result), _) => return account_added(model, result),
        _ => {}
    }
    Vec::new()
}

/// Goes back to the steps, on the next one; what failed is said where it was typed.
fn account_added(model: &mut Model, result: Result<String, Trouble>) -> Vec<Effect> {
    let now = model.stage.now;
    match (result, &mut model.overlay) {
        (Ok(words), Some(Overlay::Mailbox(_))) => {
            model.notes.say(words, now);
            let place = model.stage.setting_up.take().unwrap_or(0);
            model.overlay = Some(Overlay::SetUp(SetUp::at(place + 1)));
            vec![Effect::LoadKeys, Effect::LoadAccounts]
        }
        (Ok(words), _) => {
            model.notes.say(words, now);
            Vec::new()
        }
        (Err(trouble), Some(Overlay::Mailbox(screen))) => {
            screen.failed(trouble.line());
            Vec::new()
        }
        (Err(trouble), _) => {
            model.notes.trouble(&trouble, now);
            Vec::new()
        }
    }
}
