//! The window as a screen reader knows it: the accessibility tree of AT-SPI, read over D-Bus. Roles and names are those
//! that Orca would speak.

use crate::{DEADLINE, process::eventually};
use std::collections::HashMap;
use zbus::{
    blocking::{Connection, Proxy, connection},
    zvariant::OwnedObjectPath,
};

const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";
const REGISTRY: &str = "org.a11y.atspi.Registry";
const ROOT: &str = "/org/a11y/atspi/accessible/root";
/// Deeper than any page; a tree with a loop in it ends here.
const DEPTH: usize = 60;

/// Hatif's name among the programs of the desktop.
const APPLICATION: &str = "hatif";

/// What tells the programs of this desktop that somebody reads along. GTK looks at it when it starts.
pub const WITH_READER: &[(&str, &str)] = &[("NO_AT_BRIDGE", "0"), ("GTK_MODULES", "gail:atk-bridge")];

type Reference = (String, OwnedObjectPath);

pub struct Reader {
    bus: Connection,
}

/// One object of the tree.
#[derive(Clone, Debug)]
pub struct Node {
    at: Reference,
    pub role: Role,
    pub name: String,
    /// The text in it, where it holds text of its own.
    pub text: String,
    /// How urgently a change is read out, if it is (`polite`, `assertive`).
    pub live: Option<String>,
}

/// What an object is, as far as the tests ask. (WebKitGTK gives no role names, only AT-SPI's numbers.)
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Button,
    ToggleButton,
    Entry,
    /// An entry that suggests.
    ComboBox,
    Heading,
    /// Text that is read out as it changes.
    Notification,
    Timer,
    Other(u32),
}

impl Role {
    fn of(number: u32) -> Role {
        match number {
            43 => Role::Button,
            62 => Role::ToggleButton,
            11 => Role::ComboBox,
            79 => Role::Entry,
            83 => Role::Heading,
            101 => Role::Notification,
            115 => Role::Timer,
            other => Role::Other(other),
        }
    }
}

impl Reader {
    /// Joins the desktop's accessibility bus, which starts when it is asked for.
    pub fn start() -> Reader {
        let session = Connection::session().expect("a session bus (tests/lab/desktop.sh)");
        let launcher = Proxy::new(&session, "org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus").expect("a valid name");
        let address: String = launcher.call("GetAddress", &()).expect("at-spi2-core is installed (cargo xtask setup)");
        let bus = connection::Builder::address(address.as_str()).and_then(|builder| builder.build());
        Reader { bus: bus.expect("the accessibility bus answers") }
    }

    /// Waits for the first object that is `wanted`.
    pub fn find(&self, what: &str, wanted: impl Fn(&Node) -> bool) -> Node {
        eventually(&format!("the reader finds {what}"), DEADLINE, || self.tree().into_iter().find(&wanted))
    }

    /// Waits for an object of this role and name.
    pub fn find_named(&self, role: Role, name: &str) -> Node {
        self.find(&format!("{role:?} {name}"), |node| node.role == role && node.name == name)
    }

    /// Everything that is in Hatif's window, from top to bottom; empty while there is none.
    pub fn tree(&self) -> Vec<Node> {
        let mut nodes = Vec::new();
        for program in self.children(&(REGISTRY.into(), OwnedObjectPath::try_from(ROOT).expect("a path"))) {
            if self.name(&program) == APPLICATION {
                self.walk(program, 0, &mut nodes);
            }
        }
        nodes
    }

    /// Does what the object does when it is activated: presses the button, follows the link.
    pub fn activate(&self, node: &Node) {
        let action = self.proxy(&node.at, "org.a11y.atspi.Action");
        let done: bool = action.call("DoAction", &0i32).unwrap_or_else(|error| panic!("{node:?}: {error}"));
        assert!(done, "{node:?} did nothing");
    }

    fn walk(&self, at: Reference, depth: usize, nodes: &mut Vec<Node>) {
        if depth > DEPTH {
            return;
        }
        let accessible = self.proxy(&at, ACCESSIBLE);
        // The tree changes while it is read: what is gone already is passed over.
        let Ok(role) = accessible.call::<_, _, u32>("GetRole", &()) else { return };
        let attributes: HashMap<String, String> = accessible.call("GetAttributes", &()).unwrap_or_default();
        let text = self.proxy(&at, "org.a11y.atspi.Text").call("GetText", &(0i32, -1i32)).unwrap_or_default();
        let live = attributes.get("live").filter(|live| *live != "off").cloned();
        nodes.push(Node { role: Role::of(role), name: self.name(&at), text, live, at: at.clone() });
        for child in self.children(&at) {
            self.walk(child, depth + 1, nodes);
        }
    }

    fn children(&self, at: &Reference) -> Vec<Reference> {
        let accessible = self.proxy(at, ACCESSIBLE);
        let count: i32 = accessible.get_property("ChildCount").unwrap_or_default();
        // One by one: GTK's `GetChildren` leaves out what another process draws, which is the whole page.
        (0..count).filter_map(|index| accessible.call("GetChildAtIndex", &index).ok()).collect()
    }

    fn name(&self, at: &Reference) -> String {
        self.proxy(at, ACCESSIBLE).get_property("Name").unwrap_or_default()
    }

    fn proxy(&self, at: &Reference, interface: &'static str) -> Proxy<'_> {
        // What was read once may be another text a moment later: nothing is kept.
        let builder = zbus::blocking::proxy::Builder::new(&self.bus)
            .destination(at.0.clone())
            .and_then(|builder| builder.path(at.1.clone()))
            .and_then(|builder| builder.interface(interface))
            .map(|builder| builder.cache_properties(zbus::proxy::CacheProperties::No));
        builder.and_then(|builder| builder.build()).expect("names as the bus gave them")
    }
}
