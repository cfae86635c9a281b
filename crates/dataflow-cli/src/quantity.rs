//! Numbers as people read them: thousands separators, SI prefixes, shares in per cent, intervals in words.

/// From here on numbers are written with an exponent: not all digits would be true, and no table holds them.
const EXPONENT_FROM: f64 = 1e15;

/// A number with thousands separators and as many decimals as its size deserves: `1,234,567`, `12.3`, `0.0042`,
/// `1.23e17`.
pub(crate) fn grouped(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        _ if !value.is_finite() => return "–".to_owned(),
        _ if size >= EXPONENT_FROM => return exponent(value),
        _ if size >= 100.0 || value.fract() == 0.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 0.1 => 2,
        _ => (1.0 - size.log10().floor()).min(9.0) as usize,
    };
    group_digits(&format!("{value:.decimals$}"))
}

fn exponent(value: f64) -> String {
    format!("{value:.2e}").replacen('-', "−", 1)
}

/// A whole number with thousands separators.
pub(crate) fn count(value: usize) -> String {
    group_digits(&value.to_string())
}

fn group_digits(plain: &str) -> String {
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain), |digits| ("−", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut text = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

/// A power of 1,000 and the prefix it is written with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Prefix {
    pub(crate) factor: f64,
    pub(crate) symbol: &'static str,
}

/// The SI prefix in which numbers up to `largest` are short.
pub(crate) fn prefix(largest: f64) -> Prefix {
    const PREFIXES: [Prefix; 6] = [
        Prefix { factor: 1e15, symbol: "P" },
        Prefix { factor: 1e12, symbol: "T" },
        Prefix { factor: 1e9, symbol: "G" },
        Prefix { factor: 1e6, symbol: "M" },
        Prefix { factor: 1e3, symbol: "k" },
        Prefix { factor: 1.0, symbol: "" },
    ];
    PREFIXES.into_iter().find(|prefix| largest.abs() >= prefix.factor).unwrap_or(PREFIXES[5])
}

/// The name of a unit under a prefix: bytes become `MB`, other units keep their name (`k requests`), loads without one are `units of load`.
pub(crate) fn unit_name(unit: &str, prefix: Prefix) -> String {
    match (unit, prefix.symbol) {
        ("bytes", symbol) => format!("{symbol}B"),
        ("value", "") => "units of load".to_owned(),
        ("value", symbol) => format!("{symbol} units of load"),
        (unit, "") => unit.to_owned(),
        (unit, symbol) => format!("{symbol} {unit}"),
    }
}

/// A load with its unit, such as `1.23 GB` or `12.3 k requests`.
pub(crate) fn load(value: f64, unit: &str) -> String {
    let prefix = prefix(value);
    let scaled = value / prefix.factor;
    let number = if prefix.factor > 1.0 && scaled < 1_000.0 { three_digits(scaled) } else { grouped(scaled) };
    format!("{number} {}", unit_name(unit, prefix))
}

fn three_digits(value: f64) -> String {
    let decimals = if value >= 100.0 { 0 } else { usize::from(value < 10.0) + 1 };
    format!("{value:.decimals$}")
}

/// A share in per cent, such as `36%`, `0.52%` or `<0.01%`.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let size = percent.abs();
    match size {
        _ if !percent.is_finite() => "–".to_owned(),
        _ if size == 0.0 => "0%".to_owned(),
        _ if size >= EXPONENT_FROM => format!("{}%", exponent(percent)),
        _ if size < 0.01 => "<0.01%".to_owned(),
        _ if size < 1.0 => format!("{}%", group_digits(&format!("{percent:.2}"))),
        _ if size < 10.0 => format!("{}%", group_digits(&format!("{percent:.1}"))),
        _ => format!("{}%", group_digits(&format!("{percent:.0}"))),
    }
}

/// An interval as the end of "per …": `minute`, `hour`, `15 min`.
pub(crate) fn per_interval(seconds: u32) -> String {
    match seconds {
        1 => "second".to_owned(),
        60 => "minute".to_owned(),
        3_600 => "hour".to_owned(),
        86_400 => "day".to_owned(),
        _ => duration(u64::from(seconds)),
    }
}

/// A length of time in its two largest units: `3 min`, `1 h 30 min`, `58 d 13 h`.
pub(crate) fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (size, name) in UNITS {
        if rest >= size {
            parts.push(format!("{} {name}", count((rest / size) as usize)));
            rest %= size;
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_carry_separators_and_fitting_decimals() {
        let cases = [
            (0.0, "0"),
            (1_234_567.4, "1,234,567"),
            (-1234.0, "−1,234"),
            (12.34, "12.3"),
            (0.456, "0.46"),
            (0.00421, "0.0042"),
            (999_999.9, "1,000,000"),
            (f64::NAN, "–"),
            (999_999_999_999_999.0, "999,999,999,999,999"),
            (1.234e15, "1.23e15"),
            (-1e300, "−1.00e300"),
        ];
        for (value, text) in cases {
            assert_eq!(grouped(value), text);
        }
    }

    #[test]
    fn loads_carry_prefix_and_unit() {
        assert_eq!(load(1_234_000_000.0, "bytes"), "1.23 GB");
        assert_eq!(load(12_345.0, "requests"), "12.3 k requests");
        assert_eq!(load(0.0, "requests"), "0 requests");
        assert_eq!(load(4.5e19, "bytes"), "45,000 PB");
        assert_eq!(load(1e300, "bytes"), "1.00e285 PB");
        assert_eq!(load(7.0, "value"), "7 units of load");
        assert_eq!(load(3.95e9, "value"), "3.95 G units of load");
    }

    #[test]
    fn shares_never_round_to_nothing() {
        assert_eq!(percent(0.000_001), "<0.01%");
        assert_eq!(percent(0.364), "36%");
        assert_eq!(percent(-0.0152), "−1.5%");
        assert_eq!(percent(f64::INFINITY), "–");
        assert_eq!(percent(-1e200), "−1.00e202%");
    }

    #[test]
    fn lengths_of_time_keep_two_units() {
        assert_eq!(duration(180), "3 min");
        assert_eq!(duration(5_059_680), "58 d 13 h");
        assert_eq!(duration(86_460), "1 d");
        assert_eq!(duration(0), "0 s");
        assert_eq!(per_interval(900), "15 min");
    }
}
