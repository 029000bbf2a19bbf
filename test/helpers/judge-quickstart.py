"""Judges what the quickstart left, with no code of entropic: own SQL, own SHA-256, own id, NumPy's reader, own invariant.

usage: judge-quickstart.py DATABASE RESULTS_FOLDER; prints one JSON object.
"""
import hashlib
import json
import os
import sqlite3
import sys

import numpy as np

database, folder = sys.argv[1:]
DEFAULTS = {"beta": 0.028, "gamma": 0.8, "delta": 0.024}
problems = []


def judge(row):
    where = f"{row['id']}: "
    given = {name: row[name] for name in ("alpha", "dt", "n")}
    given.update({name: row[name] for name, value in DEFAULTS.items() if row[name] != value})
    text = json.dumps(given, sort_keys=True, separators=(",", ":"))
    if hashlib.sha256(text.encode()).hexdigest()[:16] != row["id"]:
        problems.append(where + "the id is not the digest of " + text)
    path = os.path.join(folder, row["id"] + ".npy")
    if os.path.basename(row["result_file"]) != os.path.basename(path):
        problems.append(where + "result_file is " + row["result_file"])
    with open(path, "rb") as file:
        content = file.read()
    if len(content) != row["size"] or hashlib.sha256(content).hexdigest() != row["sha256"]:
        problems.append(where + "size or digest differ from the row's")
    orbit = np.load(path)
    if orbit.shape != (row["n"] + 1, 3) or orbit.dtype != np.dtype("<f8") or not orbit.flags.c_contiguous:
        problems.append(where + f"shape {orbit.shape}, type {orbit.dtype}")
    time, x, y = orbit.T
    if not np.allclose(time, np.arange(row["n"] + 1) / 5, rtol=0, atol=1e-9):
        problems.append(where + "the times are not five a year")
    level = row["delta"] * x - row["gamma"] * np.log(x) + row["beta"] * y - row["alpha"] * np.log(y)
    drift = float(np.abs(level - level[0]).max())
    data = json.loads(row["custom_data"])
    if abs(drift - data["value"]["drift"]) > 1e-13:
        problems.append(where + f"the invariant drifts by {drift}, the record says {data['value']['drift']}")
    if not data["elapsed_seconds"] > 0:
        problems.append(where + "elapsed_seconds is not positive")
    return {"id": row["id"], "alpha": row["alpha"], "dt": row["dt"], "n": row["n"], "drift": drift, "customData": data}


connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
connection.row_factory = sqlite3.Row
rows = connection.execute(
    "SELECT o.*, x.sha256, x.size FROM orbits o JOIN entropic_runs x ON x.table_name = 'orbits' AND x.id = o.id ORDER BY o.id"
).fetchall()
count = connection.execute("SELECT count(*) FROM orbits").fetchone()[0]
leases = connection.execute("SELECT count(*) FROM entropic_leases").fetchone()[0]
if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
    problems.append("the database is damaged")
judged = [judge(row) for row in rows]
names = os.listdir(folder)
temporary = os.path.join(folder, ".tmp")
print(
    json.dumps(
        {
            "rows": count,
            "judged": judged,
            "files": sorted(name for name in names if not name.startswith(".")),
            "temporary": os.listdir(temporary) if os.path.isdir(temporary) else [],
            "leases": leases,
            "problems": problems,
        }
    )
)
