//! Text as text in HTML and XML.

/// Between tags and in a quoted attribute. Control characters but line breaks and tabs, which neither language has, are
/// left out, as are U+FFFE and U+FFFF, which XML refuses.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(
            super::escaped("<b a='\"'>&amp;\u{0}\u{1b}\u{ffff}\n\té"),
            "&lt;b a=&#39;&quot;&#39;&gt;&amp;amp;\n\té"
        );
    }
}
