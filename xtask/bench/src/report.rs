//! The table and the JSON of all figures.

use super::figure::{Figure, Goal, Spread, number};
use super::target::{DIRECT, GOVERNED, NGINX, NGINX_IN_MEMORY, RELAY};
use serde_json::{Value, json};

/// All figures, in the order of measurement.
#[derive(Default)]
pub(super) struct Report {
    figures: Vec<Figure>,
}

const TARGETS: [&str; 5] = [DIRECT, NGINX, NGINX_IN_MEMORY, RELAY, GOVERNED];

impl Report {
    pub(super) fn push(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.figures.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.figures.len()
    }

    pub(super) fn print(&self, markdown: bool) {
        let columns: Vec<&str> = TARGETS
            .into_iter()
            .filter(|target| self.figures.iter().any(|f| f.value(target).is_some()))
            .collect();
        let mut table = comfy_table::Table::new();
        let preset =
            if markdown { comfy_table::presets::ASCII_MARKDOWN } else { comfy_table::presets::NOTHING };
        table.load_style(preset);
        table.set_header(
            ["figure", "unit"]
                .into_iter()
                .chain(columns.iter().copied())
                .chain(["/ nginx", "/ chat", "target"]),
        );
        for figure in &self.figures {
            let mut row = vec![figure.name.clone(), figure.unit.to_owned()];
            row.extend(
                columns.iter().map(|target| figure.value(target).map(Spread::text).unwrap_or_default()),
            );
            // The nginx that buffers in memory is the stricter comparison.
            let nginx = |_: &str| figure.value(NGINX_IN_MEMORY).or_else(|| figure.value(NGINX));
            row.extend([ratios(figure, nginx), self.ratios_to_chat(figure), goal(figure.goal)]);
            table.add_row(row);
        }
        println!("{table}");
    }

    /// Formats the ratios of both modes of the gateway to the same traffic of the chat API.
    fn ratios_to_chat(&self, figure: &Figure) -> String {
        let is_base =
            |other: &&Figure| other.unit == figure.unit && Some(&other.name) == figure.base.as_ref();
        let Some(base) = self.figures.iter().find(is_base) else { return String::new() };
        ratios(figure, |mode| base.value(mode))
    }

    pub(super) fn to_json(&self) -> Value {
        let figure = |figure: &Figure| {
            let values = figure.values.iter().map(|(name, spread)| ((*name).to_owned(), spread.to_json()));
            json!({
                "name": figure.name, "unit": figure.unit, "target": goal(figure.goal),
                "values": values.collect::<serde_json::Map<_, _>>(),
            })
        };
        self.figures.iter().map(figure).collect()
    }
}

/// Formats the ratios of both modes of the gateway to the value of each mode that `base` returns.
fn ratios<'a>(figure: &Figure, base: impl Fn(&str) -> Option<&'a Spread>) -> String {
    let ratio = |mode| {
        let base = base(mode).map(Spread::median).filter(|base| *base > 0.0)?;
        Some(format!("{}x", number(figure.value(mode)?.median() / base)))
    };
    [RELAY, GOVERNED].into_iter().filter_map(ratio).collect::<Vec<_>>().join(" ")
}

fn goal(goal: Goal) -> String {
    match goal {
        Goal::None => String::new(),
        Goal::Ratio(ratio) => format!("<= {ratio}x"),
        Goal::RatioToChat(ratio) => format!("<= {ratio}x chat"),
        Goal::AtMost(value) => format!("<= {value}"),
    }
}
