"""Scores one recording of the voice benchmark.

usage: score.py RECORDING.wav

RECORDING has two channels of one sample clock: left, what went into the talker's microphone; right, what came out of
the listener's loudspeaker. Prints one JSON object: PESQ-WB (ITU-T P.862.2, mean over segments of about 8 s) and
mouth-to-ear delay in milliseconds (median over windows of 1 s, by generalised cross-correlation).
"""

import json
import sys

import numpy as np
import soundfile
from pesq import pesq
from scipy.signal import resample_poly

RATE = 16_000
SEGMENT_S = 8
LONGEST_DELAY_S = 1.0


def delay(reference, degraded):
    """How many samples `degraded` comes after `reference`, and how clearly (peak over deviation)."""
    size = 1 << int(np.ceil(np.log2(len(reference) + len(degraded))))
    spectrum = np.fft.rfft(degraded, size) * np.conj(np.fft.rfft(reference, size))
    # Half-whitened: sharper than plain correlation, steadier in noise than PHAT.
    correlation = np.fft.irfft(spectrum / (np.abs(spectrum) ** 0.6 + 1e-9), size)
    correlation = correlation[: int(LONGEST_DELAY_S * RATE)]
    at = int(np.argmax(correlation))
    return at, correlation[at] / (np.std(correlation) + 1e-12)


def window_delays(reference, degraded):
    found = []
    window, reach = RATE, int(LONGEST_DELAY_S * RATE)
    for start in range(0, len(reference) - window - reach, window // 2):
        talk = reference[start : start + window]
        if np.sqrt(np.mean(talk**2)) < 0.01:
            continue
        at, clarity = delay(talk, degraded[start : start + window + reach])
        if clarity > 10:
            found.append(at / RATE * 1000)
    return np.array(found)


def main():
    samples, rate = soundfile.read(sys.argv[1], dtype="float64", always_2d=True)
    reference, degraded = (resample_poly(samples[:, n], RATE, rate) for n in (0, 1))
    delays = window_delays(reference, degraded)
    if len(delays) == 0:
        print(json.dumps({"pesq": 1.0, "delay_ms": None, "windows": 0}))
        return
    shift = int(np.median(delays) / 1000 * RATE)
    talking = np.flatnonzero(np.convolve(np.abs(reference) > 0.01, np.ones(RATE // 10), "same") > 0)
    first, last = talking[0], min(talking[-1], len(degraded) - shift - 1)
    scores = []
    for start in range(first, last - 3 * RATE, SEGMENT_S * RATE):
        end = min(last, start + SEGMENT_S * RATE)
        scores.append(pesq(RATE, reference[start:end], degraded[start + shift : end + shift], "wb"))
    result = {
        "pesq": round(float(np.mean(scores)), 3),
        "delay_ms": round(float(np.median(delays)), 1),
        "delay_p95_ms": round(float(np.percentile(delays, 95)), 1),
        "windows": len(delays),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
