//! The descriptions that come with Hatif, as examples to add or to change.

/// A description that comes with Hatif.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Its file's name, without its ending.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($name:literal),*) => {
        /// All of them, in the order in which they are offered.
        pub const SHIPPED: &[Shipped] = &[$(Shipped { name: $name, text: include_str!(concat!("../shipped/", $name, ".json")) }),*];
    };
}

shipped!("request-tracker", "hubspot", "webhook");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Description, Network};

    #[test]
    fn each_is_sound_and_says_where_its_interface_is_documented() {
        for shipped in SHIPPED {
            let description = Description::parse(shipped.text).map_err(|text| format!("{}: {text:?}", shipped.name));
            let description = description.unwrap();
            assert_ne!(description.network, Network::Loopback, "{}", shipped.name);
            assert!(description.documents.is_some() || shipped.name == "webhook", "{}", shipped.name);
        }
    }
}
