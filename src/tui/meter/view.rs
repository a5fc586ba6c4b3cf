//! How the meter looks.

use ratatui::{style::Style, text::Span};

use super::state::month;
use crate::{
    config::theme::Theme,
    domain::{Cap, Meter, Usd},
    tui::{
        model::Model,
        paint::{cut, safe, style, width},
    },
};

/// Cells for the words of an outage, at the least: `providers down`.
const SHORTEST: usize = 14;

/// Returns the meter, its bar `bar` cells wide.
pub fn spans(model: &Model, theme: &Theme, bar: usize) -> Vec<Span<'static>> {
    let Some(meter) = model.meter.meter() else {
        return vec![Span::styled("AI …", style(theme.quiet))];
    };
    let tilde = if meter.settled_at_most > Usd::ZERO {
        "~"
    } else {
        ""
    };
    let settled = match meter.cap {
        Cap::Month(cap) => meter.settled().beside(cap),
        Cap::None | Cap::NotChosen => meter.settled().in_cents(),
    };
    let month = if model.meter.is_cheap_first() && !meter.paused {
        "cheap first".to_owned()
    } else {
        month(meter, "%b")
    };
    if let Some(outage) = model.meter.outage().filter(|_| !meter.paused) {
        let words = cut(&safe(&outage.short()), bar.max(SHORTEST));
        let text = format!("AI PAUSED: {words} {tilde}{settled} {month}");
        let reversed = ratatui::style::Modifier::REVERSED;
        return vec![Span::styled(text, style(theme.bad).add_modifier(reversed))];
    }
    let text = match (meter.cap, meter.percent()) {
        (Cap::Month(cap), Some(percent)) => {
            let cap = cap.beside(cap);
            let cap = cap.strip_prefix('$').unwrap_or(&cap);
            let mark = if percent >= 75 { "!" } else { "" };
            format!(
                "AI {} {percent:>3}%{mark} {tilde}{settled}/{cap} {month}",
                drawn(meter, bar)
            )
        }
        (Cap::None | Cap::Month(_), _) => {
            format!(
                "AI ▕{}▏ {tilde}{settled} {month}",
                centred("no cap", bar, ' ')
            )
        }
        (Cap::NotChosen, _) => {
            format!(
                "AI ▕{}▏ {tilde}{settled} {month}",
                centred("cap?", bar, ' ')
            )
        }
    };
    vec![Span::styled(text, look(meter, theme))]
}

/// Bold from 75 %, reversed from 90 % and when paused.
fn look(meter: &Meter, theme: &Theme) -> Style {
    let percent = meter.percent().unwrap_or(0);
    let reversed = ratatui::style::Modifier::REVERSED;
    if meter.paused || percent >= 100 {
        style(theme.bad).add_modifier(reversed)
    } else if percent >= 90 {
        style(theme.warning).add_modifier(reversed)
    } else if percent >= 75 {
        style(theme.warning)
    } else {
        style(theme.text)
    }
}

/// Draws the bar: `█` is settled, `▓` is held for calls under way, `░` is free.
pub fn drawn(meter: &Meter, cells: usize) -> String {
    if meter.paused {
        return format!("▕{}▏", centred("PAUSED", cells, '█'));
    }
    let Cap::Month(cap) = meter.cap else {
        return format!("▕{}▏", " ".repeat(cells));
    };
    let part = |usd: Usd| {
        let percent = usize::try_from(usd.percent_of(cap)).unwrap_or(100).min(100);
        percent * cells / 100
    };
    let settled = part(meter.settled()).min(cells);
    let held = part(meter.settled().plus(meter.held)).min(cells) - settled;
    let free = cells - settled - held;
    format!(
        "▕{}{}{}▏",
        "█".repeat(settled),
        "▓".repeat(held),
        "░".repeat(free)
    )
}

fn centred(word: &str, cells: usize, fill: char) -> String {
    let word = if cells > width(word) + 1 {
        format!(" {word} ")
    } else {
        word.to_owned()
    };
    let rest = cells.saturating_sub(width(&word));
    let fill = |count: usize| String::from(fill).repeat(count);
    format!("{}{word}{}", fill(rest / 2), fill(rest - rest / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::theme::ThemeName, domain::LinkName, engine::outage::Outage, tui::fixture};

    fn shown(cents: i64, cap: i64) -> String {
        let mut model = fixture::model();
        model.meter.took(fixture::spend(cents, cap));
        let spans = spans(&model, &ThemeName::Mono.theme(), 18);
        spans.iter().map(|span| span.content.as_ref()).collect()
    }

    #[test]
    fn the_meter_reads_without_colour() {
        for (cents, said) in [
            (0, "AI ▕░░░░░░░░░░░░░░░░░░▏   0% $0.00/5.00 Nov"),
            (184, "AI ▕██████░░░░░░░░░░░░▏  36% $1.84/5.00 Nov"),
            (375, "AI ▕█████████████░░░░░▏  75%! $3.75/5.00 Nov"),
            (500, "AI ▕█████ PAUSED █████▏ 100%! $5.00/5.00 Nov"),
        ] {
            assert_eq!(shown(cents, 500), said);
        }
    }

    #[test]
    fn near_the_cap_the_meter_says_that_the_cheaper_link_goes_first() {
        let mut model = fixture::model();
        let mut spend = fixture::spend(375, 500);
        spend.cheap_first = true;
        model.meter.took(spend);

        let spans = spans(&model, &ThemeName::Mono.theme(), 18);

        let said = "AI ▕█████████████░░░░░▏  75%! $3.75/5.00 cheap first";
        assert_eq!(spans[0].content, said);
    }

    #[test]
    fn when_nobody_can_be_asked_the_meter_says_so() {
        let mut model = fixture::model();
        let mut spend = fixture::spend(184, 500);
        spend.outage = Some(Box::new(Outage {
            failing: vec![LinkName::new("anthropic", "haiku")],
            ..Outage::default()
        }));
        model.meter.took(spend);

        for (bar, said) in [
            (18, "AI PAUSED: providers down $1.84 Nov"),
            (8, "AI PAUSED: providers down $1.84 Nov"),
        ] {
            let spans = spans(&model, &ThemeName::Mono.theme(), bar);
            assert_eq!(spans[0].content, said);
        }
    }

    #[test]
    fn money_that_is_not_certain_has_a_tilde_and_held_money_its_own_sign() {
        let mut model = fixture::model();
        let mut spend = fixture::spend(100, 500);
        spend.meter.settled_at_most = Usd::from_nanos(1);
        spend.meter.held = Usd::from_dollars(1);
        model.meter.took(spend);

        let spans = spans(&model, &ThemeName::Mono.theme(), 10);

        assert_eq!(spans[0].content, "AI ▕██▓▓░░░░░░▏  20% ~$1.00/5.00 Nov");
    }
}
