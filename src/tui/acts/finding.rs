//! Finding: views, the filter, the receipts, the outbox, quoted text.

use super::super::{
    catch_up::CatchUpScreen,
    effect::Effect,
    model::{Focus, Model, Overlay, Part},
    outbox::Outbox,
    over,
    overview::OverviewScreen,
    prompt::{Prompt, PromptKind},
    queue::View,
    receipts,
};
use crate::config::action::Action;

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller hands over the actions named here and no other"
)]
pub(super) fn finding(model: &mut Model, action: Action) -> Vec<Effect> {
    let view = match action {
        Action::Filter => {
            let filter = model.queue.filter().to_owned();
            model.overlay = Some(Overlay::Prompt(Prompt::open(PromptKind::Filter, &filter)));
            return Vec::new();
        }
        Action::GoReceipts => {
            return receipts::open(model, "");
        }
        Action::Overview => {
            let zone = &model.stage.facts.zone;
            let (screen, after) = OverviewScreen::open(zone, model.stage.now.mono);
            model.overlay = Some(Overlay::Overview(screen));
            return over::overview(model, after);
        }
        Action::CatchUp => {
            model.overlay = Some(Overlay::CatchUp(CatchUpScreen::default()));
            return vec![Effect::LoadCatchUp];
        }
        Action::Quoted => {
            model.talk.shows_quoted = !model.talk.shows_quoted;
            return Vec::new();
        }
        Action::GoMine => View::Mine,
        Action::GoAll => View::All,
        Action::GoFallback => View::Fallback,
        Action::GoSystem => View::System,
        Action::GoOutbox => {
            model.overlay = Some(Overlay::Outbox(Outbox::default()));
            return vec![Effect::LoadOutbox];
        }
        _ => View::Unsolved,
    };
    model.stage.focus = Focus::Queue;
    model.stage.part = Part::Talk;
    vec![model.queue.go(view)]
}
