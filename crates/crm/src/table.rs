//! Tables as CSV (RFC 4180) that a spreadsheet opens as text: no cell of ours becomes a formula.

/// The byte order mark by which spreadsheets know UTF-8.
const MARK: &str = "\u{feff}";

/// A table with its heading.
pub fn csv<'a>(heading: &[&str], rows: impl Iterator<Item = Vec<String>> + 'a) -> String {
    let mut text = begin(heading);
    rows.for_each(|row| line(&mut text, row.into_iter()));
    text
}

/// The mark and the heading of a table.
pub(crate) fn begin(heading: &[&str]) -> String {
    let mut text = MARK.to_owned();
    line(&mut text, heading.iter().map(|cell| (*cell).to_owned()));
    text
}

pub(crate) fn line(text: &mut String, cells: impl Iterator<Item = String>) {
    for (n, cell) in cells.enumerate() {
        if n > 0 {
            text.push(',');
        }
        let cell = harmless(cell);
        if cell.contains(['"', ',', '\n', '\r']) {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(&cell);
        }
    }
    text.push_str("\r\n");
}

/// What a spreadsheet would reckon with gets an apostrophe before it. A caller chooses their name, and so the cell. One
/// that has such apostrophes already gets one more, so that taking one away always gives what there was.
fn harmless(cell: String) -> String {
    if is_reckoned(cell.trim_start_matches('\'')) { format!("'{cell}") } else { cell }
}

/// Whether a spreadsheet takes the cell for a formula.
pub(crate) fn is_reckoned(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let row = vec!["a,b".into(), "say \"hi\"".into(), "one\ntwo".into(), "سارة".into(), String::new()];
        let text = csv(&["x", "y"], std::iter::once(row));
        assert_eq!(text, "\u{feff}x,y\r\n\"a,b\",\"say \"\"hi\"\"\",\"one\ntwo\",سارة,\r\n");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for cell in ["=1+1", "+98 21", "-2", "@SUM(A1)", "\t=1", "=HYPERLINK(\"http://x\",\"y\")"] {
            let text = csv(&[], std::iter::once(vec![cell.to_owned()]));
            let told = text.trim_start_matches(MARK).trim_start_matches("\r\n").trim_start_matches('"');
            assert!(told.starts_with('\''), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_cell_begins_harmlessly(cell in "(?s).{0,20}") {
            let kept = harmless(cell);
            prop_assert!(!kept.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
        }
    }
}
