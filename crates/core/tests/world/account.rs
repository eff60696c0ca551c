//! An account as tests have it.

use hatif_core::{account::*, ids::AccountId};

pub fn account(domain: &str) -> Account {
    Account {
        id: AccountId(1),
        kind: AccountKind::Registrar,
        label: "Office".into(),
        user: "1001".into(),
        domain: domain.into(),
        registrar: None,
        proxy: None,
        auth_user: None,
        display_name: None,
        transport: Transport::Udp,
        ca_file: None,
        expires: 300,
        local_port: None,
        options: Default::default(),
        turn_password: None,
    }
}
