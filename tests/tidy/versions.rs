//! A build of today is the build of next year: every version is exact.

use super::files::File;

pub fn cargo(file: &File) -> Vec<String> {
    let mut table = String::new();
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            table = line.trim_matches(['[', ']']).to_string();
            continue;
        }
        if !table.contains("dependencies") || line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else { continue };
        let value = value.trim();
        // `name = "1"` or `name = { version = "1" }`; a path or `workspace = true` names no version.
        let version = if value.starts_with('"') { Some(value) } else { after(value, "version") };
        if let Some(version) = version
            && !name.contains('.')
            && !version.trim_start_matches('"').starts_with('=')
        {
            found.push(format!("{}: {} wants an exact version (\"=1.2.3\")", file.at(index), name.trim()));
        }
        if after(value, "git").is_some() {
            found.push(format!("{}: {} comes from a repository, not from a release", file.at(index), name.trim()));
        }
    }
    found
}

/// What follows `key =` in an inline table.
fn after<'a>(table: &'a str, key: &str) -> Option<&'a str> {
    let start = table.find(&format!("{key} ="))?;
    Some(table[start + key.len() + 2..].trim_start())
}

pub fn npm(file: &File) -> Vec<String> {
    let package: serde_json::Value = match serde_json::from_str(&file.text) {
        Ok(package) => package,
        Err(error) => return vec![format!("{}: {error}", file.path)],
    };
    let mut found = Vec::new();
    for table in ["dependencies", "devDependencies"] {
        for (name, version) in package[table].as_object().into_iter().flatten() {
            let version = version.as_str().unwrap_or_default();
            let numbers = version.split(['-', '+']).next().unwrap_or_default().split('.');
            let exact = numbers.clone().count() == 3 && numbers.into_iter().all(|part| part.parse::<u32>().is_ok());
            if !exact {
                found.push(format!("{}: {name} wants an exact version, not {version:?}", file.path));
            }
        }
    }
    found
}

#[test]
fn loose_versions_are_found() {
    let text = "[workspace.dependencies]\na = \"1.2\"\nb = { version = \"^1\", features = [\"x\"] }\nc = \"=1.2.3\"\n\
        d = { path = \"d\" }\ne.workspace = true\nf = { git = \"https://h/f\" }\n[package]\nversion = \"0.1.0\"\n";
    let found = cargo(&File::new("Cargo.toml", text));
    assert_eq!(found.len(), 3, "{found:?}");
    let found = npm(&File::new(
        "package.json",
        r#"{"dependencies":{"a":"^1.0.0","b":"1.2.3"},"devDependencies":{"c":"latest"}}"#,
    ));
    assert_eq!(found.len(), 2, "{found:?}");
}
