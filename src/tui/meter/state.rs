//! How the ledger stands, and what that means in words.

use crate::{
    config::action::Action,
    desk::face::{CapView, SpendView},
    domain::{Cap, CapName, Meter, Usd},
    engine::outage::Outage,
    tui::model::Model,
};

/// What is known of the month's money.
#[derive(Debug, Default)]
pub struct MeterRoom {
    spend: Option<SpendView>,
}

/// What AI work was paused by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// A cap.
    Cap,
    /// Nobody could be asked.
    Providers,
}

impl MeterRoom {
    /// Takes the newest state; tells what AI work was paused by before, if it goes on now.
    pub fn took(&mut self, spend: SpendView) -> Option<Resumed> {
        let (was_paused, was_down) = (self.is_paused(), self.outage().is_some());
        self.spend = Some(spend);
        match (self.is_paused(), self.outage()) {
            (false, None) if was_paused => Some(Resumed::Cap),
            (false, None) if was_down => Some(Resumed::Providers),
            _ => None,
        }
    }

    /// Returns who is down, when nobody is left to ask.
    pub fn outage(&self) -> Option<&Outage> {
        self.spend.as_ref()?.outage.as_deref()
    }

    /// Returns how many drafts could not be made and are still wanted.
    pub fn missed(&self) -> u64 {
        self.spend.as_ref().map_or(0, |spend| spend.missed)
    }

    /// Returns how the ledger stands, once it is known.
    pub fn meter(&self) -> Option<&Meter> {
        self.spend.as_ref().map(|spend| &spend.meter)
    }

    /// Tells whether the cheaper link goes first because so much is spent.
    pub fn is_cheap_first(&self) -> bool {
        self.spend.as_ref().is_some_and(|spend| spend.cheap_first)
    }

    /// Tells whether AI work is paused.
    pub fn is_paused(&self) -> bool {
        self.meter().is_some_and(|meter| meter.paused)
    }

    /// Returns the limit that AI work is paused by, if it is.
    fn paused_by(&self) -> Option<&CapView> {
        let spend = self.spend.as_ref()?;
        let by = spend.paused_by?;
        spend.caps.iter().find(|cap| cap.name == by)
    }

    /// Tells whether nobody has chosen a cap.
    pub fn is_cap_missing(&self) -> bool {
        self.meter()
            .is_some_and(|meter| meter.cap == Cap::NotChosen)
    }

    /// Returns what a cap raised by half is, in whole dollars: what the prompt suggests.
    pub fn suggested_cap(&self) -> String {
        match self.meter().map(|meter| meter.cap) {
            Some(Cap::Month(cap)) => {
                let dollars = cap.nanos() / 1_000_000_000;
                (dollars + (dollars / 2).max(1)).to_string()
            }
            Some(Cap::None | Cap::NotChosen) | None => "20".to_owned(),
        }
    }

    /// Returns what the pause means: how much is used, what still works, when it ends.
    pub fn paused_words(&self, model: &Model) -> String {
        let key = model.key(Action::RaiseCap);
        let Some(meter) = self.meter() else {
            return "AI paused: the cap is reached.".to_owned();
        };
        let zone = &model.stage.facts.zone;
        let by = self.paused_by();
        if let Some(cap) = by.filter(|cap| cap.name == CapName::Day) {
            let ends = cap.ends.to_zoned(zone.clone()).strftime("%-d %b %H:%M");
            return format!(
                "AI paused: {} of {} used today; the rest does not pay for a draft. Nothing is \
                 lost: read, write, search, set as before. Resumes {ends}, or `deskhand spend cap \
                 --day` raises the day's cap.",
                cap.settled.amount().beside(cap.cap),
                cap.cap.beside(cap.cap),
            );
        }
        let ends = meter
            .period
            .ends
            .to_zoned(zone.clone())
            .strftime("%-d %b %H:%M")
            .to_string();
        let cap = match meter.cap {
            Cap::Month(cap) => cap,
            Cap::None | Cap::NotChosen => Usd::ZERO,
        };
        format!(
            "AI paused: {} of {} used in {}; the rest does not pay for a draft. Nothing is lost: \
             read, write, search, set as before. Resumes {ends}, or {key} to raise the cap.",
            meter.settled().beside(cap),
            cap.beside(cap),
            month(meter, "%B"),
        )
    }

    /// Returns what is said when a threshold is passed.
    pub fn alert_words(&self, percent: u32, model: &Model) -> String {
        if percent >= 100 {
            return self.paused_words(model);
        }
        let Some(meter) = self.meter() else {
            return format!("AI spend passed {percent} %.");
        };
        let cap = match meter.cap {
            Cap::Month(cap) => cap.beside(cap),
            Cap::None | Cap::NotChosen => "no cap".to_owned(),
        };
        format!(
            "AI spend passed {percent} % of the month's cap: {} of {cap} used in {}. {} raises it.",
            meter.settled().in_cents(),
            month(meter, "%B"),
            model.key(Action::RaiseCap),
        )
    }
}

/// Returns the name of the month a period covers.
pub(super) fn month(meter: &Meter, form: &str) -> String {
    let date: Result<jiff::civil::Date, _> = format!("{}-01", meter.period.name).parse();
    date.map_or_else(
        |_| meter.period.name.clone(),
        |date| date.strftime(form).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use crate::tui::fixture;

    #[test]
    fn the_pause_says_what_is_used_what_works_and_when_it_ends() {
        let mut model = fixture::model();
        model.meter.took(fixture::spend(1_996, 2_000));

        assert_eq!(
            model.meter.paused_words(&model),
            "AI paused: $19.96 of $20.00 used in November; the rest does not pay for a draft. \
             Nothing is lost: read, write, search, set as before. Resumes 1 Dec 00:00, or + to \
             raise the cap."
        );
        assert_eq!(model.meter.suggested_cap(), "30");
    }
}
