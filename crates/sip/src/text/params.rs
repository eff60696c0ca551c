//! `;name=value` parameters of headers and URIs (RFC 3261 25.1), in their order, as they came.

use super::split_outside;
use std::fmt;

/// Parameters in their order. A value keeps its quotes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Params(Vec<(String, Option<String>)>);

impl Params {
    /// Reads what follows the first `;`. Empty parameters are left out.
    pub fn parse(text: &str) -> Self {
        let pairs = split_outside(text, ';').map(str::trim).filter(|p| !p.is_empty());
        Params(
            pairs
                .map(|pair| match pair.split_once('=') {
                    Some((name, value)) => (name.trim().to_string(), Some(value.trim().to_string())),
                    None => (pair.to_string(), None),
                })
                .collect(),
        )
    }

    /// The value as it came; `Some("")` for a parameter without one. Names match in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        Some(found.1.as_deref().unwrap_or(""))
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets the first parameter of that name, or adds it.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let value = value.map(str::to_string);
        match self.0.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
            Some(pair) => pair.1 = value,
            None => self.0.push((name.to_string(), value)),
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            match value {
                Some(value) => write!(f, ";{name}={value}")?,
                None => write!(f, ";{name}")?,
            }
        }
        Ok(())
    }
}
