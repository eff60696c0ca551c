#!/bin/sh
# Renders hatif.svg and tray.svg into what Tauri, the three systems and the tray want.
# Needs rsvg-convert, icotool and png2icns (Debian: librsvg2-bin icoutils icnsutils).
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

render() { rsvg-convert --width "$3" --height "$3" --output "$2" "$1"; }

render hatif.svg 32x32.png 32
render hatif.svg 128x128.png 128
render hatif.svg 128x128@2x.png 256
render hatif.svg icon.png 512

# Windows: every size it asks for, so that it scales none; the largest as PNG, as Vista and later take it.
for size in 16 20 24 32 40 48 64; do
    render hatif.svg "$work/ico-$size.png" "$size"
done
icotool --create --output icon.ico "$work"/ico-*.png --raw=128x128@2x.png

# macOS draws icons with a margin of a tenth on every side.
sed 's/viewBox="0 0 512 512"/viewBox="-62 -62 636 636"/' hatif.svg > "$work/mac.svg"
for size in 16 32 128 256 512 1024; do
    render "$work/mac.svg" "$work/icns-$size.png" "$size"
done
png2icns icon.icns "$work"/icns-*.png > "$work/log" || { cat "$work/log"; exit 1; }

# Tray: dark for light panels (and the template image of macOS), light for dark ones.
sed 's/#000/#fff/g' tray.svg > "$work/tray-white.svg"
render tray.svg tray-black.png 64
render "$work/tray-white.svg" tray-white.png 64
