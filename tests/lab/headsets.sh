#!/usr/bin/env bash
# The two virtual headsets of desktop.sh, new: what was there is removed.
set -euo pipefail
for module in module-remap-source module-null-sink; do
  pactl unload-module "$module" 2>/dev/null || true
done
for who in agent far; do
  pactl load-module module-null-sink sink_name=${who}_spk channels=2 rate=48000 \
    sink_properties=device.description=${who}_spk >/dev/null
  pactl load-module module-null-sink sink_name=${who}_mic_in channels=1 rate=48000 \
    sink_properties=device.description=${who}_mic_in >/dev/null
  # A real source and not only a monitor, which phones hide.
  pactl load-module module-remap-source master=${who}_mic_in.monitor source_name=${who}_mic channels=1 \
    source_properties=device.description=${who}_mic >/dev/null
done
pactl set-default-sink agent_spk
pactl set-default-source agent_mic
