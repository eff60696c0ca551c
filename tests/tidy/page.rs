//! The page: styles that mirror by themselves, and words that come from the catalogue.

use super::files::File;

/// Properties that name a side of the screen instead of a side of the text.
const PHYSICAL: [&str; 6] = ["margin", "padding", "border", "scroll-margin", "scroll-padding", "inset"];

/// Declarations that do not mirror in Arabic and Persian.
pub fn physical(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (index, line) in style_lines(file) {
        for declaration in line.split(['{', ';', '}', '"']) {
            let Some((property, value)) = declaration.split_once(':') else { continue };
            let (property, value) = (property.trim().to_lowercase(), value.trim().to_lowercase());
            if is_physical(&property, &value) {
                found.push(format!("{}: {property}: {value} does not mirror", file.at(index)));
            }
        }
    }
    found
}

fn is_physical(property: &str, value: &str) -> bool {
    let side = |text: &str| text.split(|c: char| !c.is_alphanumeric()).any(|word| word == "left" || word == "right");
    let first = value.split([' ', '!']).next().unwrap_or_default();
    match property {
        "left" | "right" => true,
        "text-align" | "float" | "clear" | "caption-side" => first == "left" || first == "right",
        _ => PHYSICAL.iter().any(|known| property.starts_with(known)) && side(property),
    }
}

/// The lines that hold styles: all of a style sheet; in a component its `<style>` and its `style` attributes.
fn style_lines(file: &File) -> Vec<(usize, String)> {
    let mut inside = file.is("css");
    let mut comment = false;
    let mut lines = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        if file.is("svelte") {
            if line.contains("<style") {
                inside = true;
            } else if line.contains("</style") {
                inside = false;
            } else if !inside {
                let attribute = line.split("style=\"").nth(1).and_then(|rest| rest.split('"').next());
                lines.extend(attribute.map(|text| (index, text.to_string())));
                // Svelte's `style:left={...}`
                let directives = line.split("style:").skip(1);
                lines.extend(directives.map(|rest| (index, rest.replacen('=', ":", 1))));
                continue;
            }
        }
        if inside {
            lines.push((index, without_comment(line, &mut comment)));
        }
    }
    lines
}

fn without_comment(line: &str, inside: &mut bool) -> String {
    let mut out = String::new();
    let mut rest = line;
    loop {
        let mark = if *inside { "*/" } else { "/*" };
        let Some(at) = rest.find(mark) else { break };
        if !*inside {
            out.push_str(&rest[..at]);
        }
        rest = &rest[at + 2..];
        *inside = !*inside;
    }
    if !*inside {
        out.push_str(rest);
    }
    out
}

/// Attributes whose value a person reads or hears.
const SPOKEN: [&str; 5] = ["aria-label", "title", "placeholder", "alt", "aria-description"];

/// Words that stand in a component's markup instead of the catalogue.
pub fn literal_text(file: &File) -> Vec<String> {
    let markup = markup(&file.text);
    let mut found = Vec::new();
    let mut text = String::new();
    let mut tag = String::new();
    let mut line = 0;
    let mut in_tag = false;
    let mut quote = None;
    for c in markup.chars() {
        match (in_tag, c) {
            (false, '<') => {
                note(file, line, &text, &mut found);
                text.clear();
                tag.clear();
                in_tag = true;
            }
            (true, '"') if quote.is_none() => quote = Some('"'),
            (true, '"') => quote = None,
            (true, '>') if quote.is_none() => {
                in_tag = false;
                spoken(file, line, &tag, &mut found);
            }
            _ => {}
        }
        if in_tag {
            tag.push(c);
        } else if c != '>' {
            text.push(c);
        }
        if c == '\n' {
            note(file, line, &text, &mut found);
            text.clear();
            line += 1;
        }
    }
    found
}

fn note(file: &File, line: usize, text: &str, found: &mut Vec<String>) {
    // Entities such as &nbsp; are no words.
    let words: String = text
        .split('&')
        .enumerate()
        .map(|(n, part)| match part.split_once(';') {
            Some((_, rest)) if n > 0 => rest,
            _ => part,
        })
        .collect();
    if words.chars().any(char::is_alphabetic) {
        found.push(format!("{}: {:?} belongs in the catalogue", file.at(line), words.trim()));
    }
}

fn spoken(file: &File, line: usize, tag: &str, found: &mut Vec<String>) {
    for attribute in SPOKEN {
        let value = tag.split(&format!(" {attribute}=\"")).nth(1).and_then(|rest| rest.split('"').next());
        if let Some(value) = value
            && value.chars().any(char::is_alphabetic)
        {
            found.push(format!("{}: {attribute}={value:?} belongs in the catalogue", file.at(line)));
        }
    }
}

/// The markup of a component: scripts, styles, comments and everything in braces blanked out, lines kept.
fn markup(text: &str) -> String {
    let mut text = text.to_string();
    for (open, close) in [("<script", "</script>"), ("<style", "</style>"), ("<!--", "-->")] {
        while let Some(start) = text.find(open) {
            let end = text[start..].find(close).map_or(text.len(), |at| start + at + close.len());
            let lines: String = text[start..end].chars().filter(|c| *c == '\n').collect();
            text.replace_range(start..end, &lines);
        }
    }
    let mut depth = 0usize;
    let blank = |c: char| match c {
        '{' => {
            depth += 1;
            ' '
        }
        '}' => {
            depth = depth.saturating_sub(1);
            ' '
        }
        '\n' => '\n',
        _ if depth > 0 => ' ',
        c => c,
    };
    text.chars().map(blank).collect()
}

#[test]
fn styles_that_do_not_mirror_are_found() {
    let wrong = |text| physical(&File::new("ui/src/a.css", text)).len();
    for bad in [
        ".a { margin-left: 1px }",
        "a{padding-right:0}",
        ".a {\n  left: 0;\n}",
        "p { text-align: left; }",
        "p { float: right }",
        "p { border-left: 1px solid }",
        "p { border-top-left-radius: 2px }",
        "p { border-right-color: red }",
    ] {
        assert_eq!(wrong(bad), 1, "{bad}");
    }
    for good in [
        ".a { margin-inline-start: 1px }",
        "p { text-align: start }",
        "/* left: 0; */",
        "p { --left: 1px }",
        "p { inset-inline-end: 0 }",
        ".left { color: red }",
        "a:hover { color: red }",
    ] {
        assert_eq!(wrong(good), 0, "{good}");
    }
    let component = "<p style=\"margin-left: 1px\">x</p>\n<p style:left={x}>\n<style>\n p { right: 0; }\n</style>\n";
    assert_eq!(physical(&File::new("ui/src/a.svelte", component)).len(), 3);
}

#[test]
fn words_in_markup_are_found() {
    let wrong = |text| literal_text(&File::new("ui/src/a.svelte", text)).len();
    assert_eq!(wrong("<button>Call</button>"), 1);
    assert_eq!(wrong("<button aria-label=\"Call\" class=\"big\"></button>"), 1);
    assert_eq!(
        wrong(
            "<script>\nconst a = 'Call';\n</script>\n<p class=\"x\">{t('a')}&nbsp;· 12</p>\n<style>p { color: red }</style>"
        ),
        0
    );
    assert_eq!(wrong("<button aria-label={t('a')} onclick={() => { if (a > b) call(); }}>{#if x}+{/if}</button>"), 0);
}
