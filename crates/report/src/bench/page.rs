use super::plot::{Plot, plots};
use super::table::Table;
use super::tables::{baseline, memory, setup};
use super::{HOW_TO_READ, all, warnings};
use askama::Template;
use wirelab_model::BenchRecord;

#[derive(Template)]
#[template(path = "bench.html")]
struct Page<'a> {
    record: &'a BenchRecord,
    setup: Vec<(&'static str, String)>,
    tables: Vec<Table>,
    memory: Option<String>,
    plots: Vec<Plot>,
    warnings: Vec<String>,
    notes: [&'static str; 4],
}

/// One self-contained page: nothing is loaded from anywhere.
///
/// # Errors
/// Never for a record that wirelab made.
pub fn bench_page(record: &BenchRecord) -> Result<String, askama::Error> {
    let tables = all(record).into_iter().chain(baseline(record)).collect();
    Page {
        record,
        setup: setup(record),
        tables,
        memory: memory(record),
        plots: plots(record),
        warnings: warnings(record),
        notes: HOW_TO_READ,
    }
    .render()
}

#[cfg(test)]
mod tests {
    use crate::testkit::{HOSTILE, bench};

    #[test]
    fn the_page_is_self_contained_and_hostile_text_stays_text() {
        let mut record = bench();
        record.setup.server = HOSTILE.into();
        record.warnings = vec![HOSTILE.into()];
        let page = super::bench_page(&record).unwrap();
        assert!(!page.contains("<script"), "nothing from outside becomes markup");
        assert!(page.contains("&#60;script&#62;") || page.contains("&lt;script&gt;"));
        for outside in ["src=", "@import", "url(", "<link", "href="] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("prefers-color-scheme: dark"));
        let body = page.split_once("<body>").unwrap().1;
        insta::assert_snapshot!("bench-page", body);
    }
}
