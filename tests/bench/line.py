"""Scores the media engine in virtual time: speech through two engines and an emulated network, without devices.

usage: line.py LINE [reader.wav...]

LINE is the example `line` of hatif-media, built in release (`cargo build --release -p hatif-media --example line`). Readers are
48 kHz mono files; without any, the LibriVox reader of Debian's pocketsphinx-testdata is taken. Wants score.py's packages and
`speechmos` (PLCMOS). Every cell of the benchmark `voice` with seeds 1 to 3 for each reader; writes docs/bench/line.md and
line.json. Mouth to ear is taken as the engine's delay and 26 ms: a block, and the virtual headset's buffers as measured there.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import soundfile
from pesq import pesq
from scipy.signal import resample_poly
from score import RATE, SEGMENT_S, window_delays
from speechmos import plcmos

BENCH = Path(__file__).resolve().parent
DEVICES_MS = 26
SEEDS = (1, 2, 3)
LIBRIVOX = "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-{}.wav"
# name, arguments, PESQ-WB and PLCMOS at least, mouth to ear at most
CELLS = [
    ("0 %, 0 ms", "--loss 0 --jitter 0", 4.40, 4.40, 90),
    ("5 %, 0 ms", "--loss 5 --jitter 0", 4.10, 4.27, 105),
    ("10 %, 0 ms", "--loss 10 --jitter 0", 3.90, 4.22, 110),
    ("20 %, 0 ms", "--loss 20 --jitter 0", 3.45, 4.05, 120),
    ("30 %, 0 ms", "--loss 30 --jitter 0", 2.90, 3.85, 120),
    ("0 %, 20 ms", "--loss 0 --jitter 20", 4.35, 4.40, 140),
    ("0 %, 60 ms", "--loss 0 --jitter 60", 4.35, 4.40, 240),
    ("10 %, 20 ms", "--loss 10 --jitter 20", 3.85, 4.20, 160),
    ("10 %, 60 ms", "--loss 10 --jitter 60", 3.55, 4.20, 250),
    ("bursts 20 %, 20 ms", "--loss 20 --burst 3 --jitter 20", 2.40, 3.95, 170),
]


def measure(job):
    line, reader, cell, seed = job
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "heard.wav"
        run = subprocess.run(
            [line, reader, wav, *cell[1].split(), "--seed", str(seed)], capture_output=True, text=True, check=True
        )
        (reference, _), (heard, _) = soundfile.read(reader), soundfile.read(wav)
    reference, heard = resample_poly(reference, RATE, 48_000), resample_poly(heard, RATE, 48_000)
    shift = int(np.median(window_delays(reference, np.concatenate([heard, np.zeros(RATE)]))) / 1000 * RATE)
    talking = np.flatnonzero(np.convolve(np.abs(reference) > 0.01, np.ones(RATE // 10), "same") > 0)
    first, last = talking[0], min(talking[-1], len(heard) - shift - 1)
    clear, natural = [], []
    for start in range(first, last - 3 * RATE, SEGMENT_S * RATE):
        end = min(last, start + SEGMENT_S * RATE)
        piece = heard[start + shift : end + shift]
        clear.append(pesq(RATE, reference[start:end], piece, "wb"))
        natural.append(plcmos.run(np.clip(piece, -1, 1), sr=RATE)["plcmos"])
    number = lambda pattern: float(re.search(pattern + r" ([\d.]+)", run.stdout)[1])
    return {
        "cell": cell[0],
        "pesq": float(np.mean(clear)),
        "plcmos": float(np.mean(natural)),
        "delay": number("delay_ms") + DEVICES_MS,
        "kbit_s": number("at most"),
    }


def report(results, readers):
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    runs = len(readers) * len(SEEDS)
    text = [
        "# Voice in virtual time\n",
        f"`tests/bench/line.py`; commit {commit}; Hatif to Hatif, Opus, {len(readers)} readers, {len(SEEDS)} seeds each.",
        "Median (least to most) of all, and the goal of the benchmark `voice`. 20 ms network base. Mouth to ear is an estimate:",
        f"the engine's delay, measured, and {DEVICES_MS} ms assumed for a block and sound devices. See line-notes.md.\n",
        "| loss, jitter | PESQ-WB | goal | PLCMOS | goal | mouth to ear, ms | goal | kbit/s, 2 s at most |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows = []
    for name, _, *goals in CELLS:
        found = [result for result in results if result["cell"] == name]
        line = f"| {name} "
        for metric, goal, unit, better in zip(
            ("pesq", "plcmos", "delay"), goals, ("PESQ-WB", "PLCMOS", "ms"), ("higher", "higher", "lower")
        ):
            values = [result[metric] for result in found]
            middle, digits = float(np.median(values)), 0 if unit == "ms" else 2
            line += f"| {middle:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f}) | {goal:.{digits}f} "
            rows.append(
                {"metric": f"{name}: {metric}", "hatif": round(middle, 3), "unit": unit, "better": better, "goal": goal}
                | {"peers": {}, "runs": runs, "min": round(min(values), 3), "max": round(max(values), 3)}
            )
        text.append(line + f"| {max(result['kbit_s'] for result in found):.1f} |")
    folder = BENCH.parent.parent / "docs/bench"
    (folder / "line.md").write_text("\n".join(text) + "\n")
    (folder / "line.json").write_text(json.dumps(rows, indent=2) + "\n")
    print("\n".join(text))


def main():
    line, *readers = sys.argv[1:]
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        if not readers:
            readers = [f"{folder}/librivox.wav"]
            parts = [LIBRIVOX.format(part) for part in ("0870", "0890", "0920", "0930")]
            subprocess.run(["sox", *parts, "-r", "48000", readers[0], "norm", "-6", "pad", "0.5", "0.5"], check=True)
        jobs = [(line, reader, cell, seed) for cell in CELLS for reader in readers for seed in SEEDS]
        with Pool(2) as pool:
            report(pool.map(measure, jobs, chunksize=1), readers)


if __name__ == "__main__":
    main()
