//! Plots as SVG: nothing but lines and text, in the colours of the page.

use super::numbers::{short, whole};
use askama::Template;
use wirelab_model::{BenchCell, BenchOperation, BenchRecord};

const WIDTH: f64 = 460.0;
/// Of the part with the lines; their names stand above it, where nothing crosses them.
const HEIGHT: f64 = 188.0;
const NAME: f64 = 15.0;
/// Room for the words of the axes.
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 40.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 16.0;

#[derive(Template)]
#[template(path = "plot.svg", escape = "html")]
pub(crate) struct Plot {
    width: f64,
    height: f64,
    pub(crate) title: String,
    /// Below the horizontal axis.
    below: &'static str,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// Place and word.
    x_ticks: Vec<(f64, String)>,
    y_ticks: Vec<(f64, String)>,
    lines: Vec<Line>,
}

struct Line {
    /// Class of its colour.
    class: &'static str,
    name: String,
    /// Points of a polyline.
    points: String,
    dots: Vec<Dot>,
    /// Where its name stands.
    label: (f64, f64),
}

struct Dot {
    x: f64,
    y: f64,
    /// Ends of its interval.
    low: f64,
    high: f64,
    tip: String,
}

/// One measured point: where, how much, with its interval, and what a pointer on it says.
struct Point {
    x: f64,
    y: f64,
    low: f64,
    high: f64,
    tip: String,
}

struct Series {
    name: String,
    points: Vec<Point>,
}

/// Colours are taken in this order.
const CLASSES: [&str; 4] = ["one", "two", "three", "four"];

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Puts points on the plot. `x` says where on the axis from 0 to 1 a value is, `ticks` which are named.
fn plot(
    title: String,
    below: &'static str,
    series: Vec<Series>,
    x: impl Fn(f64) -> f64,
    x_ticks: Vec<(f64, String)>,
    unit: &str,
) -> Option<Plot> {
    let highest = series.iter().flat_map(|series| &series.points).map(|point| point.high.max(point.y));
    let highest = highest.fold(0.0, f64::max);
    if highest <= 0.0 || !highest.is_finite() {
        return None;
    }
    let step = step(highest);
    let top = (highest / step).ceil() * step;
    let edge = TOP + NAME * series.len() as f64;
    let (right, bottom) = (WIDTH - RIGHT, edge + HEIGHT);
    let at_x = |value: f64| round(LEFT + 8.0 + x(value).clamp(0.0, 1.0) * (right - LEFT - 16.0));
    let at_y = |value: f64| round(bottom - (value / top).clamp(0.0, 1.0) * HEIGHT);
    let count = (top / step).round() as usize;
    let y_ticks = (0..=count).map(|index| index as f64 * step);
    let lines = series.into_iter().zip(CLASSES.iter().cycle()).enumerate().map(|(index, (series, class))| {
        let dots: Vec<Dot> = series
            .points
            .into_iter()
            .map(|point| Dot {
                x: at_x(point.x),
                y: at_y(point.y),
                low: at_y(point.low),
                high: at_y(point.high),
                tip: point.tip,
            })
            .collect();
        let points = dots.iter().map(|dot| format!("{},{}", dot.x, dot.y)).collect::<Vec<_>>().join(" ");
        Line { class, name: series.name, points, dots, label: (LEFT, TOP + NAME * index as f64) }
    });
    Some(Plot {
        width: WIDTH,
        height: bottom + BOTTOM,
        title,
        below,
        left: LEFT,
        right,
        top: edge,
        bottom,
        x_ticks: x_ticks.into_iter().map(|(value, word)| (at_x(value), word)).collect(),
        y_ticks: y_ticks.map(|value| (at_y(value), format!("{}{unit}", short_tick(value, step)))).collect(),
        lines: lines.collect(),
    })
}

/// 1, 2 or 5 times a power of ten, so that there are about five.
fn step(highest: f64) -> f64 {
    let rough = highest / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough);
    factor.unwrap_or(10.0) * power
}

fn short_tick(value: f64, step: f64) -> String {
    if step >= 1.0 { whole(value) } else { format!("{value:.1}") }
}

/// Percent of throughput that TLS takes, and its interval.
fn loss(cell: &BenchCell) -> Option<(f64, f64, f64)> {
    let estimate = cell.throughput?;
    let percent = |ratio: f64| (1.0 - ratio) * 100.0;
    Some((percent(estimate.ratio), percent(estimate.high), percent(estimate.low)))
}

/// Values that a field of the cells has, rising.
fn values(record: &BenchRecord, of: impl Fn(&BenchCell) -> usize) -> Vec<usize> {
    let mut values: Vec<usize> = record.cells.iter().map(of).collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// What TLS takes, over a field that has several values; a line for each command and each value of the
/// other fields, four at most.
fn overhead(
    record: &BenchRecord,
    title: &str,
    below: &'static str,
    of: fn(&BenchCell) -> usize,
    others: fn(&BenchCell) -> String,
) -> Option<Plot> {
    let all = values(record, of);
    if all.len() < 2 {
        return None;
    }
    // The values are apart by powers: in equal steps they are all seen.
    let place = |value: f64| {
        let index = all.iter().position(|one| *one as f64 >= value).unwrap_or_default();
        index as f64 / (all.len() - 1) as f64
    };
    let mut series: Vec<Series> = Vec::new();
    for cell in &record.cells {
        let Some((y, low, high)) = loss(cell) else { continue };
        let name = format!("{} {}", cell.operation, others(cell));
        let tip = format!("{}: {y:.1} % ({low:.1} to {high:.1})", cell.load());
        let point = Point { x: of(cell) as f64, y, low, high, tip };
        match series.iter_mut().find(|series| series.name == name) {
            Some(series) => series.points.push(point),
            None => series.push(Series { name, points: vec![point] }),
        }
    }
    let mut title = title.to_owned();
    if series.len() > CLASSES.len() {
        title += &format!(" ({} of {})", CLASSES.len(), series.len());
        series.truncate(CLASSES.len());
    }
    for one in &mut series {
        one.points.sort_by(|a, b| a.x.total_cmp(&b.x));
    }
    let ticks = all.iter().map(|value| (*value as f64, whole(*value as f64))).collect();
    plot(title, below, series, place, ticks, " %")
}

/// Latency by percentile, without and with TLS.
fn latency(cell: &BenchCell) -> Option<Plot> {
    // Each nine takes as much room as the one before it.
    let place = |percentile: f64| (1.0 - (100.0 - percentile).max(0.01) / 100.0).min(0.9999);
    let place = |percentile: f64| -(1.0 - place(percentile)).log10() / 4.0;
    let series = [("plain", &cell.plain), ("TLS", &cell.tls)].map(|(name, side)| Series {
        name: name.into(),
        points: side
            .latency
            .distribution
            .iter()
            .filter(|(percentile, _)| *percentile <= 99.99)
            .map(|(percentile, micros)| Point {
                x: *percentile,
                y: *micros,
                low: *micros,
                high: *micros,
                tip: format!("{name}, {percentile} %: {} µs", short(*micros)),
            })
            .collect(),
    });
    let ticks = [0.0, 90.0, 99.0, 99.9, 99.99].map(|percentile| (percentile, format!("{percentile} %")));
    plot(format!("Latency in µs: {}", cell.load()), "percentile", series.into(), place, ticks.into(), "")
}

/// All plots of a run.
pub(crate) fn plots(record: &BenchRecord) -> Vec<Plot> {
    let by_payload = overhead(
        record,
        "Throughput that TLS takes, by payload",
        "bytes of the value",
        |cell| cell.payload,
        |cell| format!("pipeline {}, {} connections", cell.pipeline, cell.connections),
    );
    let by_pipeline = overhead(
        record,
        "Throughput that TLS takes, by pipeline",
        "commands in a pipeline",
        |cell| cell.pipeline,
        |cell| format!("{} B, {} connections", cell.payload, cell.connections),
    );
    let by_connections = overhead(
        record,
        "Throughput that TLS takes, by connections",
        "connections",
        |cell| cell.connections,
        |cell| format!("{} B, pipeline {}", cell.payload, cell.pipeline),
    );
    // GET and SET wait alike: one of them shows the shape.
    let operation = record.cells.iter().map(|cell| cell.operation).find(|one| *one == BenchOperation::Get);
    let operation = operation.unwrap_or(BenchOperation::Set);
    let cells = record.cells.iter().filter(|cell| cell.operation == operation).take(6);
    [by_payload, by_pipeline, by_connections].into_iter().chain(cells.map(latency)).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (highest, expected) in [(43.0, 10.0), (100.0, 20.0), (7.0, 2.0), (0.9, 0.2), (260.0, 100.0)] {
            assert!((step(highest) - expected).abs() < 1e-9, "{highest}: {}", step(highest));
        }
    }
}
