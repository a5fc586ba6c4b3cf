//! What follows when a table was looked at or tried.

use std::path::PathBuf;

use crate::{
    desk::import::Imported,
    domain::TableLook,
    tui::{
        effect::Effect,
        event::Trouble,
        mapping::MappingScreen,
        model::{Model, Overlay},
    },
};

/// Shows a table that was looked at, or what is known of it now.
pub(super) fn came(model: &mut Model, path: PathBuf, look: TableLook) -> Vec<Effect> {
    match &mut model.overlay {
        Some(Overlay::Mapping(screen)) if screen.path == path => screen.took(look),
        None | Some(Overlay::SetUp(_) | Overlay::Mapping(_)) => {
            model.overlay = Some(Overlay::Mapping(MappingScreen::open(path, look)));
        }
        Some(_) => {
            let words = "The table was looked at; import it again to see its columns.";
            model.notes.say(words, model.stage.now);
        }
    }
    Vec::new()
}

/// Says what would come of a table.
pub(super) fn tried(model: &mut Model, tried: Result<Box<Imported>, Trouble>) -> Vec<Effect> {
    match (&mut model.overlay, tried) {
        (Some(Overlay::Mapping(screen)), Ok(tried)) => screen.took_try(tried),
        (Some(Overlay::Mapping(screen)), Err(trouble)) => {
            screen.is_trying = false;
            model.notes.trouble(&trouble, model.stage.now);
        }
        (_, Ok(_)) => {}
        (_, Err(trouble)) => model.notes.trouble(&trouble, model.stage.now),
    }
    Vec::new()
}
