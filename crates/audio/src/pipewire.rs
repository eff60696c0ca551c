//! What cpal does not tell of PipeWire: which nodes are devices and not a program's streams, and which are the defaults.

use pipewire::{
    context::ContextRc, main_loop::MainLoopRc, metadata::Metadata, registry::GlobalObject, spa::utils::dict::DictRef,
    types::ObjectType,
};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
    time::Duration,
};

/// A server that has not answered by then is none.
const PATIENCE: Duration = Duration::from_secs(2);

/// Nodes by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Graph {
    pub sources: BTreeSet<String>,
    pub sinks: BTreeSet<String>,
    pub default_source: Option<String>,
    pub default_sink: Option<String>,
}

/// The graph as it is now; `None` without a server.
pub(crate) fn graph() -> Option<Graph> {
    // Counted by the library, and never undone here: cpal's own counting cannot end it under our feet.
    pipewire::init();
    let main_loop = MainLoopRc::new(None).ok()?;
    let context = ContextRc::new(&main_loop, None).ok()?;
    let core = context.connect_rc(None).ok()?;
    let registry = core.get_registry_rc().ok()?;
    let graph = Rc::new(RefCell::new(Graph::default()));
    let bound = Rc::new(RefCell::new(vec![]));

    let _globals = registry
        .add_listener_local()
        .global({
            let (graph, registry) = (graph.clone(), registry.clone());
            move |global| match global.type_ {
                ObjectType::Node => graph.borrow_mut().add(global),
                ObjectType::Metadata if is_default_metadata(global) => {
                    let Ok(metadata) = registry.bind::<Metadata, _>(global) else { return };
                    let graph = graph.clone();
                    let listener = metadata
                        .add_listener_local()
                        .property(move |_, key, _, value| {
                            graph.borrow_mut().set_default(key, value);
                            0
                        })
                        .register();
                    bound.borrow_mut().push((listener, metadata));
                }
                _ => {}
            }
        })
        .register();

    // The first answer comes after all globals, the second after the metadata that was asked for meanwhile.
    core.sync(0).ok()?;
    let answers = Rc::new(Cell::new(0));
    let _done = core
        .add_listener_local()
        .done({
            let (answers, core, main_loop) = (answers.clone(), core.clone(), main_loop.clone());
            move |_, _| {
                answers.set(answers.get() + 1);
                if answers.get() >= 2 || core.sync(0).is_err() {
                    main_loop.quit();
                }
            }
        })
        .error({
            let main_loop = main_loop.clone();
            move |_, _, _, _| main_loop.quit()
        })
        .register();
    let quit = main_loop.clone();
    let timer = main_loop.loop_().add_timer(move |_| quit.quit());
    timer.update_timer(Some(PATIENCE), None).into_result().ok()?;
    main_loop.run();
    (answers.get() >= 2).then(|| graph.take())
}

impl Graph {
    fn add(&mut self, node: &GlobalObject<&DictRef>) {
        let Some(properties) = node.props else { return };
        let (Some(class), Some(name)) = (properties.get("media.class"), properties.get("node.name")) else { return };
        if matches!(class, "Audio/Source" | "Audio/Duplex") {
            self.sources.insert(name.to_owned());
        }
        if matches!(class, "Audio/Sink" | "Audio/Duplex") {
            self.sinks.insert(name.to_owned());
        }
    }

    fn set_default(&mut self, key: Option<&str>, value: Option<&str>) {
        let name = value.and_then(|value| serde_json::from_str::<serde_json::Value>(value).ok());
        let name = name.and_then(|value| Some(value.get("name")?.as_str()?.to_owned()));
        match key {
            Some("default.audio.source") => self.default_source = name,
            Some("default.audio.sink") => self.default_sink = name,
            _ => {}
        }
    }
}

fn is_default_metadata(global: &GlobalObject<&DictRef>) -> bool {
    global.props.is_some_and(|properties| properties.get("metadata.name") == Some("default"))
}
