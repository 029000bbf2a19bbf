"""Holds an SQLite database: `hold-lock.py <path> <exclusive | writing>`. Prints "locked", and when its input ends lets go and prints
the time just before that, in milliseconds since 1970.

exclusive: nobody else may read or write it; writing: a transaction that is not ended, readers may read.
"""
import sqlite3
import sys
import time

path, how = sys.argv[1:]
db = sqlite3.connect(path, isolation_level=None, timeout=60)
if how == "exclusive":
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("BEGIN EXCLUSIVE")
else:
    db.execute("BEGIN IMMEDIATE")
db.execute("CREATE TABLE IF NOT EXISTS somebody_elses (x)")
print("locked", flush=True)
sys.stdin.read()
until = int(time.time() * 1000)
db.execute("ROLLBACK")
db.close()
print(until, flush=True)
