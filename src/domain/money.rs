//! Money: integer nano-dollars, so that sums are exact and a ledger never drifts.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount in nano-dollars (1e-9 USD); 64 bits reach nine billion dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i64);

const NANOS: i64 = 1_000_000_000;

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount; stands for "without limit" in comparisons.
    pub const MAX: Self = Self(i64::MAX);

    /// Makes an amount of nano-dollars.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Makes an amount of whole dollars.
    pub const fn from_dollars(dollars: i64) -> Self {
        Self(dollars.saturating_mul(NANOS))
    }

    /// Returns the amount in nano-dollars.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Adds, saturating: a ledger must not wrap.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Subtracts, saturating; the result may be below zero.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Returns the price of `tokens` at `per_million`, rounded up: it never undercounts.
    #[must_use]
    pub fn for_tokens(tokens: u64, per_million: Self) -> Self {
        let product = i128::from(tokens).saturating_mul(i128::from(per_million.0));
        let rounded = product.saturating_add(999_999).div_euclid(1_000_000);
        Self(i64::try_from(rounded).unwrap_or(i64::MAX))
    }

    /// Returns how many whole percent `self` is of `whole`, rounded down; 100 when `whole` is zero.
    pub fn percent_of(self, whole: Self) -> u32 {
        if whole.0 <= 0 {
            return 100;
        }
        let percent = i128::from(self.0.max(0)) * 100 / i128::from(whole.0);
        u32::try_from(percent).unwrap_or(u32::MAX)
    }

    /// Writes the amount for people: two decimals from a dollar up, four below, e.g. `$0.0041`.
    pub fn for_people(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        if nanos >= NANOS.unsigned_abs() || nanos == 0 {
            let cents = (nanos + 5_000_000) / 10_000_000;
            format!("{sign}${}.{:02}", cents / 100, cents % 100)
        } else {
            let points = nanos.div_ceil(100_000);
            format!("{sign}${}.{:04}", points / 10_000, points % 10_000)
        }
    }

    /// Writes the amount beside a cap: with two decimals, or finer where the cap itself is.
    pub fn beside(self, cap: Self) -> String {
        if cap.0 % 10_000_000 == 0 {
            self.in_cents()
        } else {
            self.for_people()
        }
    }

    /// Writes the amount with two decimals whatever its size, e.g. `$1.84`; for the meter.
    pub fn in_cents(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs() / 10_000_000;
        format!("{sign}${}.{:02}", cents / 100, cents % 100)
    }
}

impl fmt::Display for Usd {
    /// Writes all nine decimals without a sign of currency: `0.000712500`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let whole = NANOS.unsigned_abs();
        write!(f, "{sign}{}.{:09}", nanos / whole, nanos % whole)
    }
}

/// Says why a text is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount in dollars: write a number such as 20 or 0.50")]
pub struct NotAnAmount(pub String);

impl FromStr for Usd {
    type Err = NotAnAmount;

    /// Reads a decimal number of dollars with at most nine decimals, with or without a leading `$`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NotAnAmount(text.chars().filter(|c| !c.is_control()).take(40).collect());
        let bare = text.trim();
        let bare = bare.strip_prefix('$').unwrap_or(bare);
        let (digits, negative) = bare
            .strip_prefix('-')
            .map_or((bare, false), |rest| (rest, true));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let numeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !numeric(whole) || !numeric(part) || part.len() > 9 || (whole.len() + part.len()) == 0 {
            return Err(wrong());
        }
        let dollars: i64 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| wrong())?
        };
        let nanos: i64 = format!("{part:0<9}").parse().map_err(|_| wrong())?;
        let sum = dollars
            .checked_mul(NANOS)
            .and_then(|n| n.checked_add(nanos))
            .ok_or_else(wrong)?;
        Ok(Self(if negative { -sum } else { sum }))
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a call cost, and whether that is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cost {
    /// The provider reported its usage and the price is known.
    Known(Usd),
    /// A call cut off, or a model without a price: at most this much, shown with `~`.
    AtMost(Usd),
}

impl Default for Cost {
    fn default() -> Self {
        Self::FREE
    }
}

impl Cost {
    /// No cost at all, for sure.
    pub const FREE: Self = Self::Known(Usd::ZERO);

    /// Returns the amount, certain or not.
    pub const fn amount(self) -> Usd {
        match self {
            Self::Known(usd) | Self::AtMost(usd) => usd,
        }
    }

    /// Tells whether the amount is an upper bound.
    pub const fn is_at_most(self) -> bool {
        matches!(self, Self::AtMost(_))
    }

    /// Adds two costs; one bound makes the sum a bound.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        let sum = self.amount().plus(other.amount());
        if self.is_at_most() || other.is_at_most() {
            Self::AtMost(sum)
        } else {
            Self::Known(sum)
        }
    }

    /// Joins a certain part and one that is a bound: the whole is a bound where that part is not 0.
    pub const fn of_parts(known: Usd, at_most: Usd) -> Self {
        let amount = known.plus(at_most);
        if at_most.nanos() == 0 {
            Self::Known(amount)
        } else {
            Self::AtMost(amount)
        }
    }

    /// Writes the cost for people, `~` before a bound.
    pub fn for_people(self) -> String {
        let mark = if self.is_at_most() { "~" } else { "" };
        format!("{mark}{}", self.amount().for_people())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_rounded_up() {
        assert_eq!(Usd::for_tokens(1, Usd::from_nanos(1)), Usd::from_nanos(1));
        assert_eq!(Usd::for_tokens(0, Usd::from_dollars(3)), Usd::ZERO);
        assert_eq!(
            Usd::for_tokens(1_000_000, Usd::from_dollars(3)),
            Usd::from_dollars(3)
        );
    }

    #[test]
    fn amounts_are_read_and_written_exactly() {
        for (text, nanos) in [
            ("20", 20_000_000_000),
            ("0.50", 500_000_000),
            ("$.000712500", 712_500),
        ] {
            let usd: Usd = text.parse().unwrap();
            assert_eq!(usd.nanos(), nanos);
            assert_eq!(usd.to_string().parse::<Usd>().unwrap(), usd);
        }
        for wrong in [
            "",
            ".",
            "1e3",
            "1.0000000001",
            "twenty",
            "--1",
            "99999999999999999999",
        ] {
            assert!(wrong.parse::<Usd>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn people_read_cents_or_four_decimals() {
        assert_eq!(Usd::from_nanos(712_500).for_people(), "$0.0008");
        assert_eq!(Usd::from_nanos(1_840_000_000).for_people(), "$1.84");
        assert_eq!(Usd::ZERO.for_people(), "$0.00");
        assert_eq!(
            Cost::AtMost(Usd::from_nanos(4_100_000)).for_people(),
            "~$0.0041"
        );
    }

    #[test]
    fn a_percentage_is_rounded_down() {
        assert_eq!(Usd::from_nanos(999).percent_of(Usd::from_nanos(1000)), 99);
        assert_eq!(Usd::ZERO.percent_of(Usd::ZERO), 100);
    }
}
