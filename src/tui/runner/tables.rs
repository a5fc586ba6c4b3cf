//! Imports: mail and exports at once, tables after a look.

use super::{trouble, writes::imported_words};
use crate::{
    desk::{Desk, records::ImportPlan, tables::TableAsk},
    tui::{effect::Effect, event::Done},
};

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
pub(super) async fn import(desk: &Desk, effect: Effect) -> Option<Done> {
    let imported = match effect {
        Effect::Import(path) if desk.is_table(&path) => {
            let ask = TableAsk {
                path,
                ..TableAsk::default()
            };
            return Some(look(desk, &ask));
        }
        Effect::LookAtTable(ask) => return Some(look(desk, &ask)),
        Effect::TryTable(ask) => {
            let tried = desk.import_table(&ask, true).await;
            return Some(Done::TableTried(tried.map(Box::new).map_err(trouble)));
        }
        Effect::Import(path) => {
            let plan = ImportPlan::default();
            desk.import_planned(&[path], &plan, &mut |_| ()).await
        }
        Effect::ImportTable(ask) => desk.import_table(&ask, false).await,
        _ => return None,
    };
    let words = imported.map(|done| imported_words(&done, desk));
    Some(Done::Imported(words.map_err(trouble)))
}

fn look(desk: &Desk, ask: &TableAsk) -> Done {
    let look = desk.look_at_table(ask).map(Box::new).map_err(trouble);
    Done::Table(ask.path.clone(), look)
}
