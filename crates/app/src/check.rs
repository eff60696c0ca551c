//! The connection check of an account, as it goes: findings of the network and the registration's state in, the whole view
//! out. A machine without I/O; what it has tried is tried by `hatif_net::check`.

use crate::{
    present,
    view::{CheckState, CheckStep, CheckStepView, CheckView},
};
use hatif_core::{
    account::{Account, AccountKind, Registration, Transport},
    ids::AccountId,
    phone::Phone,
    text::Text,
};
use hatif_net::check::{Finding, Step};

/// The last check; there is one at a time.
#[derive(Default)]
pub struct Check {
    /// Tells the findings of this check from those of the one before it.
    run: u32,
    account: Option<AccountId>,
    steps: Vec<CheckStepView>,
    /// All but the registration has been tried.
    tried: bool,
    told: bool,
}

fn name(step: Step) -> CheckStep {
    match step {
        Step::Name => CheckStep::Name,
        Step::Connect => CheckStep::Connect,
        Step::Tls => CheckStep::Tls,
        Step::Stun => CheckStep::Stun,
        Step::Turn => CheckStep::Turn,
    }
}

impl Check {
    /// Begins anew. The account to try, and the number that its findings come with; an error for one that has no way.
    pub fn begin(&mut self, phone: &Phone, id: AccountId) -> Result<(u32, Account), Text> {
        let entry = phone.account(id).filter(|entry| entry.account.kind != AccountKind::Practice);
        let account = entry.ok_or_else(|| Text::new("command.unknown_account"))?.account.clone();
        let mut steps: Vec<CheckStep> = hatif_net::check::steps(&account).into_iter().map(name).collect();
        let behind =
            steps.iter().position(|step| matches!(step, CheckStep::Stun | CheckStep::Turn)).unwrap_or(steps.len());
        steps.insert(behind, CheckStep::Registration);
        let waiting = |step| CheckStepView { step, state: CheckState::Waiting, text: None, took_ms: 0 };
        *self = Check {
            run: self.run.wrapping_add(1),
            account: Some(id),
            steps: steps.into_iter().map(waiting).collect(),
            tried: false,
            told: false,
        };
        Ok((self.run, account))
    }

    /// What came of a step; `None`: all have been tried.
    pub fn found(&mut self, phone: &Phone, run: u32, finding: Option<Finding>) {
        if run != self.run {
            return;
        }
        self.told = false;
        let Some(Finding { step, result, took }) = finding else {
            self.tried = true;
            // An account that makes no sense has been tried in nothing.
            let rest = self.steps.iter_mut().filter(|v| v.state == CheckState::Waiting);
            rest.filter(|v| v.step != CheckStep::Registration).for_each(|v| v.state = CheckState::LeftOut);
            return self.look_at_registration(phone);
        };
        let step = name(step);
        let unclear = step == CheckStep::Connect && self.is_registered_by_udp(phone);
        let Some(view) = self.steps.iter_mut().find(|view| view.step == step) else { return };
        view.took_ms = took.as_millis().min(u128::from(u32::MAX)) as u32;
        (view.state, view.text) = match result {
            None => (CheckState::LeftOut, None),
            Some(Ok(())) => (CheckState::Passed, None),
            Some(Err(_)) if unclear => (CheckState::Unclear, Some(present::text(&Text::new("check.no_answer")))),
            Some(Err(text)) => (CheckState::Failed, Some(present::text(&text))),
        };
        self.look_at_registration(phone);
    }

    /// Many a PBX answers no stranger's question, and registers all the same.
    fn is_registered_by_udp(&self, phone: &Phone) -> bool {
        let entry = self.account.and_then(|id| phone.account(id));
        entry.is_some_and(|e| e.account.transport == Transport::Udp && e.registration == Registration::Up)
    }

    /// An account has changed.
    pub fn account_changed(&mut self, phone: &Phone, id: AccountId) {
        if self.account == Some(id) && !self.is_done() {
            self.look_at_registration(phone);
        }
    }

    /// Once what it needs has been tried: what the agent knows of it, as soon as it knows.
    fn look_at_registration(&mut self, phone: &Phone) {
        let waits = |view: &&CheckStepView| view.state == CheckState::Waiting;
        let first = self.steps.iter().find(waits).map(|view| view.step);
        let Some(view) = self.steps.iter_mut().find(|view| view.step == CheckStep::Registration) else { return };
        if first != Some(CheckStep::Registration) {
            return;
        }
        let entry = self.account.and_then(|id| phone.account(id));
        let (state, text) = match entry.map(|entry| &entry.registration) {
            None => (CheckState::LeftOut, None),
            Some(Registration::Trying) => return,
            Some(Registration::Up) => (CheckState::Passed, None),
            Some(Registration::Off) => (CheckState::Failed, Some(Text::new("check.off"))),
            Some(Registration::Down { cause, .. }) => (CheckState::Failed, Some(cause.clone())),
        };
        (view.state, view.text) = (state, text.as_ref().map(present::text));
        self.told = false;
    }

    fn is_done(&self) -> bool {
        self.tried && self.steps.iter().all(|view| view.state != CheckState::Waiting)
    }

    /// The whole of it, if it has changed.
    pub fn poll(&mut self) -> Option<CheckView> {
        let account = self.account.filter(|_| !std::mem::replace(&mut self.told, true))?;
        Some(CheckView { account: account.0, done: self.is_done(), steps: self.steps.clone() })
    }
}
