//! What a stranger can put into a name: text that means something to whoever forgets that it is text.

/// As many as this.
pub const COUNT: usize = 300;

/// What each tries to do, once it is let out of its text. `URL` is a server that must hear nothing.
const DEEDS: [&str; 24] = [
    "<script>window.hostileRan=1</script>",
    "<script src='URL/script.js'></script>",
    "<img src=x onerror=window.hostileRan=1>",
    "<img src='URL/image.png'>",
    "<svg onload=window.hostileRan=1>",
    "<svg><animate onbegin=window.hostileRan=1 attributeName=x dur=1s>",
    "<iframe src='URL/frame'></iframe>",
    "<iframe srcdoc='<script>parent.hostileRan=1</script>'></iframe>",
    "<a href='javascript:window.hostileRan=1' autofocus onfocus=this.click()>x</a>",
    "<input autofocus onfocus=window.hostileRan=1>",
    "<details open ontoggle=window.hostileRan=1>",
    "<video><source onerror=window.hostileRan=1></video>",
    "<object data='URL/object'></object>",
    "<embed src='URL/embed'>",
    "<link rel=stylesheet href='URL/style.css'>",
    "<style>@import 'URL/import.css';*{display:none!important}</style>",
    "<div style='position:fixed;inset:0;background:url(URL/back.png)'>",
    "<meta http-equiv=refresh content='0;url=URL/refresh'>",
    "<base href='URL/'>",
    "<form action='URL/form'><button autofocus>x</button></form>",
    "{@html '<img src=x onerror=window.hostileRan=1>'}",
    "${window.hostileRan=1}{{constructor.constructor('window.hostileRan=1')()}}",
    "javascript:window.hostileRan=1//URL",
    "document.title='owned';window.hostileRan=1",
];

/// How each is wrapped, to get out of wherever it is put.
const WRAPS: [fn(&str) -> String; 11] = [
    |deed| deed.to_owned(),
    |deed| format!("\">{deed}"),
    |deed| format!("'>{deed}"),
    |deed| format!("</textarea></title></script>--><![CDATA[{deed}]]>"),
    |deed| deed.replace('<', "&lt;").replace('>', "&gt;"),
    |deed| deed.replace('<', "%3C").replace('>', "%3E").replace(' ', "%20"),
    |deed| deed.replace('<', "\\u003c").replace('>', "\\x3e"),
    |deed| deed.replace('<', "\u{ff1c}").replace('>', "\u{ff1e}"),
    |deed| deed.to_uppercase(),
    |deed| format!("\u{202e}{deed}\u{2066}\u{feff}"),
    |deed| format!("سارة {deed} ۱۲۳"),
];

/// What breaks a layout, or a program that counts bytes.
fn unruly() -> Vec<String> {
    let mut all = vec![
        "W".repeat(2_000),
        "ا".repeat(1_500),
        "\u{fdfd}".repeat(300),
        format!("a{}", "\u{301}".repeat(1_000)),
        format!("س{}", "\u{651}\u{64e}".repeat(500)),
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}".repeat(100),
        "\u{202e}\u{202d}\u{2066}\u{2067}\u{2068}".repeat(50),
        "\u{200b}".repeat(500),
        "\u{a0}".repeat(500),
        "a \u{2028}b\u{2029}c".into(),
        "%s%n%x%d".repeat(40),
        "'; DROP TABLE interactions; --".into(),
        "../../../../etc/passwd".into(),
        "null".into(),
        "undefined".into(),
        "__proto__".into(),
        "constructor".into(),
        "[object Object]".into(),
        "NaN".into(),
        "true".into(),
        "{who}{n}{label}".into(),
        "{\"code\":\"call.busy\"}".into(),
        "<![CDATA[".into(),
        "<!--".into(),
        "&#0;&#x1;&nbsp;&bogus;".into(),
        "\u{fffd}\u{ffff}\u{fffe}".into(),
        "\u{1}\u{7f}\u{85}\u{9b}31m".into(),
        "\u{e000}\u{f8ff}\u{10ffff}".into(),
        "مُحَمَّد\u{200c}علي \u{202b}(x) abc ۱۲۳".into(),
        "1".repeat(500),
        "-".repeat(700),
        "a.".repeat(400),
        "/".repeat(600),
        "a\tb\tc".into(),
        "\u{1d173}\u{e0001}\u{e0041}".into(),
    ];
    all.push(all.iter().take(4).map(|text| &text[..text.floor_char_boundary(200)]).collect());
    all
}

/// All of them; `url` is put where they want something from the network.
pub fn all(url: &str) -> Vec<String> {
    let wrapped = WRAPS.iter().flat_map(|wrap| DEEDS.iter().map(|deed| wrap(&deed.replace("URL", url))));
    let all: Vec<String> = wrapped.chain(unruly()).collect();
    assert_eq!(all.len(), COUNT);
    all
}
