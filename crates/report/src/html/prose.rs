/// Text as HTML: what stands between grave accents becomes `code`, and a line that begins with `Remedy:` a
/// paragraph. Everything else stays text, whatever it holds.
pub(crate) fn prose(text: &str) -> String {
    let escaped = escape(text);
    let pieces: Vec<&str> = escaped.split('`').collect();
    // An accent without its other half is no code.
    let html = if pieces.len().is_multiple_of(2) {
        escaped.clone()
    } else {
        let piece = |(index, piece): (usize, &&str)| match index % 2 {
            0 => (*piece).to_owned(),
            _ => format!("<code>{piece}</code>"),
        };
        pieces.iter().enumerate().map(piece).collect()
    };
    html.replace("\nRemedy:", "</p>\n<p><b>Remedy:</b>")
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, char| {
        match char {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::prose;

    #[test]
    fn code_and_remedies_are_marked_and_nothing_else_becomes_markup() {
        let text = "Lacks `ssl=true`, <b>.\nRemedy: `port 0`.";
        let html = "Lacks <code>ssl=true</code>, &lt;b&gt;.</p>\n<p><b>Remedy:</b> <code>port 0</code>.";
        assert_eq!(prose(text), html);
        assert_eq!(prose("one ` alone"), "one ` alone");
        assert_eq!(prose("`<script>`"), "<code>&lt;script&gt;</code>");
    }
}
