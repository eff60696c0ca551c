//! Recording of calls: by the agent's word, by policy, and what is offered when.

use super::*;
use hatif_core::{
    recording::{CallRecording, RecordedCalls, RecordingAsk, RecordingEvent, RecordingPolicy, RecordingRules},
    settings::Settings,
};

fn recorder(world: &World, from: usize) -> Vec<String> {
    told(world, from, "Recording(").iter().map(|line| line["Recording(".len()..line.len() - 1].to_owned()).collect()
}

fn policy(world: &mut World, recording: RecordingPolicy) {
    let settings = Settings { recording, ..world.phone.settings().clone() };
    assert_eq!(command(world, "change_settings", Command::ChangeSettings(Box::new(settings))), None);
}

fn ask(world: &mut World, call: CallId, ask: RecordingAsk) -> Option<&'static str> {
    command(world, "recordings", Command::Recording(call, ask))
}

fn state(world: &World, call: CallId) -> CallRecording {
    world.phone.call(call).expect("the call is there").recording
}

fn offered(world: &World, call: CallId) -> Vec<Action> {
    use Action as A;
    let of = [A::Record, A::PauseRecording, A::ResumeRecording, A::StopRecording];
    world.phone.actions(call).into_iter().filter(|action| of.contains(action)).collect()
}

#[test]
fn nothing_is_recorded_and_nobody_can_unless_the_policy_says_so() {
    let mut world = desk(AccountOptions::default());
    policy(&mut world, RecordingPolicy::Off);
    let from = mark(&world);
    let call = customer(&mut world, 0);
    assert_eq!(offered(&world, call), []);
    assert_eq!(ask(&mut world, call, RecordingAsk::Begin), Some("command.not_now"));
    assert_eq!(recorder(&world, from), [""; 0]);
}

#[test]
fn on_demand_a_call_is_recorded_paused_and_stopped_by_the_agent() {
    let mut world = desk(AccountOptions::default());
    policy(&mut world, RecordingPolicy::OnDemand);
    let call = customer(&mut world, 0);
    let from = mark(&world);
    assert_eq!((state(&world, call), offered(&world, call)), (CallRecording::Off, vec![Action::Record]));
    assert_eq!(ask(&mut world, call, RecordingAsk::Pause), Some("command.not_now"));
    assert_eq!(ask(&mut world, call, RecordingAsk::Begin), None);
    assert_eq!(offered(&world, call), [Action::PauseRecording, Action::StopRecording]);
    assert_eq!(ask(&mut world, call, RecordingAsk::Pause), None);
    assert_eq!(state(&world, call), CallRecording::Paused);
    assert_eq!(offered(&world, call), [Action::ResumeRecording, Action::StopRecording]);
    assert_eq!(ask(&mut world, call, RecordingAsk::Resume), None);
    assert_eq!(ask(&mut world, call, RecordingAsk::End), None);
    let said = recorder(&world, from);
    assert_eq!(said.len(), 4, "{said:?}");
    assert!(said[0].starts_with("Begin") && said[3].starts_with("End"), "{said:?}");
    assert!(said[1].contains("on: true") && said[2].contains("on: false"), "{said:?}");
    assert_eq!((state(&world, call), offered(&world, call)), (CallRecording::Off, vec![Action::Record]));
}

#[test]
fn where_all_are_recorded_the_agent_can_pause_and_not_stop() {
    let mut world = desk(AccountOptions::default());
    policy(&mut world, RecordingPolicy::Always);
    let from = mark(&world);
    let call = customer(&mut world, 0);
    assert_eq!(recorder(&world, from).len(), 1, "once");
    assert_eq!((state(&world, call), offered(&world, call)), (CallRecording::On, vec![Action::PauseRecording]));
    assert_eq!(ask(&mut world, call, RecordingAsk::End), Some("command.not_now"));
    // What could not be begun is told, and not tried over and over.
    world.input(Input::Recorder(RecordingEvent::Failed { call, text: Text::new("recording.no_key") }));
    assert_eq!((state(&world, call), offered(&world, call)), (CallRecording::Failed, vec![Action::Record]));
    assert!(world.phone.notices().iter().any(|notice| notice.text.code == "recording.no_key"));
    command(&mut world, "mute", Command::Mute(call, true));
    assert_eq!(recorder(&world, from).len(), 1);
}

#[test]
fn a_disk_that_does_not_keep_up_is_told_as_long_as_it_is_so() {
    let mut world = desk(AccountOptions::default());
    let stalled = |world: &World| world.phone.notices().iter().any(|notice| notice.text.code == "recording.stalled");
    world.input(Input::Recorder(RecordingEvent::Stalled { on: true }));
    assert!(stalled(&world));
    world.input(Input::Recorder(RecordingEvent::Stalled { on: false }));
    assert!(!stalled(&world));
}

fn rules(world: &mut World, rules: RecordingRules) {
    let settings = Settings { recording_rules: rules, ..world.phone.settings().clone() };
    assert_eq!(command(world, "change_settings", Command::ChangeSettings(Box::new(settings))), None);
}

fn told_of(world: &World, code: &str) -> bool {
    world.phone.notices().iter().any(|notice| notice.text.code == code)
}

#[test]
fn a_pause_ends_by_itself_or_is_reminded_of() {
    let mut world = desk(AccountOptions::default());
    policy(&mut world, RecordingPolicy::Always);
    let call = customer(&mut world, 0);
    assert_eq!(ask(&mut world, call, RecordingAsk::Pause), None);
    passes(&mut world, Duration::from_secs(59));
    assert!(!told_of(&world, "recording.still_paused"));
    passes(&mut world, Duration::from_secs(2));
    assert!(told_of(&world, "recording.still_paused") && state(&world, call) == CallRecording::Paused);
    assert_eq!(ask(&mut world, call, RecordingAsk::Resume), None);
    assert!(!told_of(&world, "recording.still_paused"), "nobody is reminded of what is over");

    rules(&mut world, RecordingRules { resume_after_s: 30, ..Default::default() });
    assert_eq!(ask(&mut world, call, RecordingAsk::Pause), None);
    passes(&mut world, Duration::from_secs(29));
    assert_eq!(state(&world, call), CallRecording::Paused);
    passes(&mut world, Duration::from_secs(2));
    assert!(told_of(&world, "recording.resumed") && state(&world, call) == CallRecording::On);
}

#[test]
fn rules_say_which_direction_is_recorded_and_whether_a_tone_tells() {
    let mut world = desk(AccountOptions::default());
    policy(&mut world, RecordingPolicy::Always);
    rules(&mut world, RecordingRules { calls: RecordedCalls::Outgoing, tone: true, ..Default::default() });
    let from = mark(&world);
    let call = customer(&mut world, 0);
    assert_eq!((state(&world, call), offered(&world, call)), (CallRecording::Off, vec![]));
    rules(&mut world, RecordingRules { calls: RecordedCalls::Incoming, tone: true, ..Default::default() });
    assert_eq!(state(&world, call), CallRecording::On);
    let said = recorder(&world, from);
    assert!(said.len() == 1 && said[0].contains("tone: true"), "{said:?}");
    let senseless = RecordingRules { resume_after_s: 3_601, ..Default::default() };
    let settings = Settings { recording_rules: senseless, ..world.phone.settings().clone() };
    let refused = command(&mut world, "change_settings", Command::ChangeSettings(Box::new(settings)));
    assert_eq!(refused, Some("settings.out_of_range"));
}
