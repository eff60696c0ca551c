#!/usr/bin/env bash
# A desktop of its own for what is named on the command line: window manager, unlocked keyring, and two virtual
# headsets (PipeWire). To be run on a session bus and a virtual display:
#
#   dbus-run-session -- xvfb-run -a bash tests/lab/desktop.sh COMMAND...
#
#   speakers     agent_spk      far_spk         what Hatif plays to; record from *.monitor
#   microphones  agent_mic      far_mic         what Hatif listens to
#   mouths       agent_mic_in   far_mic_in      play here to be heard by the microphone
#
# Everything ends with the command.
set -euo pipefail
home=$(mktemp -d)
export CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
export HOME=$home XDG_RUNTIME_DIR=$home/run XDG_CONFIG_HOME=$home/config XDG_DATA_HOME=$home/share XDG_CACHE_HOME=$home/cache
mkdir -p -m 700 "$XDG_RUNTIME_DIR"
mkdir -p "$XDG_CONFIG_HOME/pipewire/pipewire.conf.d" "$XDG_DATA_HOME" "$XDG_CACHE_HOME" "$home/log"
# No graphics card here. (WEBKIT_DISABLE_DMABUF_RENDERER stays unset: with it WebDriver's pictures never come.)
export LIBGL_ALWAYS_SOFTWARE=1 NO_AT_BRIDGE=1 GDK_BACKEND=x11

children=()
end() {
  [ ${#children[@]} -eq 0 ] || kill "${children[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$home"
}
trap end EXIT

start() { # NAME COMMAND...
  local name=$1; shift
  "$@" >"$home/log/$name" 2>&1 &
  children+=($!)
}
await() { # WHAT COMMAND...: until it succeeds
  local what=$1; shift
  for _ in $(seq 200); do "$@" >/dev/null 2>&1 && return; sleep 0.05; done
  echo "desktop: $what did not start" >&2
  tail -n 5 "$home"/log/* >&2
  exit 1
}

start openbox openbox
# The keyring daemon goes into the background by itself and ends with the session bus.
printf '\n' | gnome-keyring-daemon --unlock --components=secrets >"$home/log/keyring" 2>&1

cat >"$XDG_CONFIG_HOME/pipewire/pipewire.conf.d/10-rate.conf" <<C
context.properties = { default.clock.rate = 48000 default.clock.quantum = 480 default.clock.min-quantum = 64 default.clock.max-quantum = 2048 }
C
# As on a real desktop, sound comes before everything else, where that is allowed.
if chrt -f 60 true 2>/dev/null; then first=(chrt -f 60); else first=(); fi
start pipewire "${first[@]}" pipewire
await PipeWire test -S "$XDG_RUNTIME_DIR/pipewire-0"
start wireplumber "${first[@]}" wireplumber
start pipewire-pulse "${first[@]}" pipewire-pulse
export PULSE_SERVER=unix:$XDG_RUNTIME_DIR/pulse/native
await "PipeWire's PulseAudio server" pactl info
bash "$(dirname "$0")/headsets.sh"

"$@"
