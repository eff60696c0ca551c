"""Fills a call log: history.py DATABASE ROWS. One call a minute up to now, of a thousand people."""
import sqlite3
import sys
import time

db = sqlite3.connect(sys.argv[1])
now, rows = int(time.time() * 1000), int(sys.argv[2])


def row(n):
    began, name, number = now - n * 60_000, f"Customer {n % 1000}", f"+4930{n % 1000:06}"
    if n == rows:
        name = "Rare Bird"
    folded = f"{name.lower()}\n{number}\n{number[1:]}\noffice"
    way, end = ("incoming", "missed") if n % 3 == 0 else ("outgoing", "remote_hang_up")
    return (began, 1, "Office", way, name, number, "", began, end, 60_000, folded)


with db:
    db.executemany(
        "INSERT INTO interactions (id, account, account_label, direction, peer_name, peer_address, peer_uri, started,"
        " end_reason, talked, folded) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (row(n) for n in range(1, rows + 1)),
    )
