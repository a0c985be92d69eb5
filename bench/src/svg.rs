//! What the plots share: plain SVG with the reader's own fonts, in the colours of its light or dark page.

pub const WIDTH: f64 = 720.0;

const STYLE: &str = "  <style>
    text { font: 12px system-ui, sans-serif; fill: #1f2328 }
    .small { font-size: 11px; fill: #59636e }
    .grid { stroke: #d1d9e0 }
    .ours { fill: #0f766e; stroke: #0f766e }
    .other { fill: #8c959f; stroke: #8c959f }
    text.ours { stroke: none; font-weight: 600 }
    text.other { stroke: none; fill: #59636e }
    path { fill: none !important; stroke-width: 1.5 }
    path.ours { stroke-width: 2.5 }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc } .small, text.other { fill: #9198a1 } .grid { stroke: #3d444d }
      .ours { fill: #2dd4bf; stroke: #2dd4bf } .other { fill: #7d8590; stroke: #7d8590 }
    }
  </style>\n";

pub fn frame(title: &str, height: f64, body: &str) -> String {
    let title = escape(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n{STYLE}  \
         <text class=\"small\" x=\"10\" y=\"16\">{title}</text>\n{body}</svg>\n"
    )
}

pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Powers of ten around some values.
pub struct Scale {
    low: i32,
    high: i32,
    from: f64,
    to: f64,
}

impl Scale {
    pub fn new(values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Scale {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            low = low.min(place(value));
            high = high.max(place(value));
        }
        let low = low.floor() as i32;
        Scale {
            low,
            high: (high.ceil() as i32).max(low + 1),
            from,
            to,
        }
    }

    pub fn at(&self, value: f64) -> f64 {
        let share = (place(value) - f64::from(self.low)) / f64::from(self.high - self.low);
        self.from + (self.to - self.from) * share
    }

    pub fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.low..=self.high).map(|power| 10f64.powi(power))
    }

    /// A line for each tick of a scale that goes up, with its value on the left.
    pub fn heights(&self, left: f64, right: f64) -> String {
        let line = |tick: f64| {
            let y = self.at(tick);
            format!(
                "  <line class=\"grid\" x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\n  \
                 <text class=\"small\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
                left - 6.0,
                y + 4.0,
                short(tick)
            )
        };
        self.ticks().map(line).collect()
    }
}

/// Nothing measurable is drawn where the smallest values are.
fn place(value: f64) -> f64 {
    value.max(0.001).log10()
}

pub fn number(value: f64) -> String {
    if value >= 1000.0 {
        return grouped(value.round() as u32);
    }
    // Three digits, as in the result file.
    let digits = match value {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

/// `12,345`.
pub fn grouped(value: u32) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A power of ten in few letters.
pub fn short(tick: f64) -> String {
    match tick {
        t if t >= 1e9 => format!("{}G", t / 1e9),
        t if t >= 1e6 => format!("{}M", t / 1e6),
        t if t >= 1e3 => format!("{}k", t / 1e3),
        t => number(t),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_with_three_digits_at_least() {
        assert_eq!(number(0.0123), "0.012");
        assert_eq!(number(1.5), "1.5");
        assert_eq!(number(23.4), "23.4");
        assert_eq!(number(456.0), "456");
        assert_eq!(number(123_000.0), "123,000");
        assert_eq!(number(100.0), "100");
        assert_eq!(number(0.001), "0.001");
        assert_eq!(
            [0.1, 1e4, 1e6, 1e10].map(short),
            ["0.1", "10k", "1M", "10G"]
        );
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
