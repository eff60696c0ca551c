#!/bin/sh
# Speaks every prompt of prompts.json into ID.LANG.wav: 16 kHz, 16 bit, mono. Needs espeak-ng, sox and python3.
# `spoken` is what the synthesiser reads where it cannot guess the vowels that Arabic and Persian leave out.
set -eu
cd "$(dirname "$0")"
rm -f ./*.wav

python3 -c '
import json
for p in json.load(open("prompts.json", encoding="utf-8")):
    print(p["id"], p["lang"], p["customer"], p.get("spoken", p["text"]), sep="\t")
' | while IFS="$(printf '\t')" read -r id lang customer text; do
    # Voice, words a minute, pitch (0 to 99) and how far it moves: a woman, a man, and the line itself.
    case $customer in
        sara) voice=f2 speed=180 pitch=48 range=130% ;;
        omid) voice=m3 speed=178 pitch=42 range=125% ;;
        *)    voice=f2 speed=170 pitch=38 range=110% ;;
    esac
    case $lang in en) base=en-us ;; *) base=$lang ;; esac
    # Band-limited to what wideband telephony carries, a little warmer than it comes, pauses shortened, silence cut off
    # at both ends and a twentieth of a second put back, peak at -4 dBFS. -D: no dither, so that two runs make the same
    # file.
    printf '<speak><prosody range="%s">%s</prosody></speak>\n' "$range" "$text" |
        espeak-ng -m -v "$base+$voice" -s "$speed" -p "$pitch" --stdout |
        sox -D -t wav - -b 16 "$id.$lang.wav" \
            gain -8 rate -v 16000 highpass 80 lowpass 7400 bass +2 treble -2 silence -l 1 0 0 -1 0.2 1.5% \
            silence 1 0.01 0.3% fade q 0.005 reverse silence 1 0.01 0.3% fade q 0.01 reverse \
            norm -4 pad 0.05 0.05
done

echo "$(find . -name '*.wav' | wc -l) prompts, $(du -cb ./*.wav | tail -n 1 | cut -f 1) bytes"
