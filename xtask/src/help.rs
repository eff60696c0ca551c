//! The manual. Kept to what fits one screen.

pub const TEXT: &str = "\
Hatif: set-up and tasks

  cargo xtask run             Opens Hatif with the practice line: prepares the machine, builds, starts.
  cargo xtask test            Prepares the machine, builds, runs every test. The last line counts them.
  cargo xtask bench NAME      Measures, side by side with other softphones, and writes docs/bench/NAME.md.
  cargo xtask soak NAME       Runs for long, and writes docs/soak/NAME.md.
  cargo xtask package         Makes target/package/hatif_VERSION_MACHINE.deb (Debian and Ubuntu).
  cargo xtask setup           Prepares the machine only.

Preparing the machine
  On Debian, Ubuntu, Fedora and Arch the system's own package manager installs what is missing. You are
  told first what it is, what it is for and how long it takes, and asked before anything runs as root.
  On Windows and macOS you are told what to install. Nothing is changed twice: once all is there, this
  takes a moment.

Options
  -y, --yes                   Do not ask before installing (also when CI=true, or when you are root).
  --only PART[,PART...]       `test`: only these parts.
  setup build | test | bench  What to prepare for. `test` when not said; `build` is enough for `run`.

Parts of `test`, in their order
  ui         the page: type check, unit tests, every screen in a browser
  format     cargo fmt --check
  lint       cargo clippy, warnings are errors
  unit       unit, property and simulation tests of every crate, in virtual time
  tidy       the rules of the house: edges between crates, catalogues, CSS, names, sizes, versions
  interop    calls with real Asterisk, Kamailio, baresip and SIPp on loopback (Debian and Ubuntu)
  window     the real window under a virtual display (Linux)

Benchmarks
  voice [--runs N]  speech through virtual headsets, beside baresip: PESQ and mouth-to-ear delay (Linux)
  dsp               CPU time of each part of the media path per 10 ms (Linux)
  signalling [--runs N]  how quickly a phone rings, answers, speaks, registers, and what it weighs, beside baresip and linphonec (Linux)
  ui [--runs N]     the window beside a bare one: first paint, INVITE to painted card, memory, typing (Linux)

Soaks
  calls [--count N] [--seed S]  calls in a row with hold, transfer, DTMF: failures, memory, files, ports (Debian and Ubuntu)

How long, on two cores
  run    about 8 minutes the first time, then seconds      test   about 25 minutes the first time, then 8

Examples
  cargo xtask run
  cargo xtask test --only unit,tidy
  CARGO_TARGET_DIR=/tmp/hatif cargo xtask test
";
