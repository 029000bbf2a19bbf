"""Judges what examples/02-ising left, with no code of entropic: own SQL, own SHA-256, own id, NumPy's reader, own means.

usage: judge-ising.py DATABASE RESULTS_FOLDER; prints one JSON object.
"""
import hashlib
import json
import os
import sqlite3
import sys

import numpy as np

database, folder = sys.argv[1:]
problems = []


def judge(row):
    where = f"{row['id']}: "
    given = {name: row[name] for name in ("temperature", "size", "seed")}
    text = json.dumps(given, sort_keys=True, separators=(",", ":"))
    if hashlib.sha256(text.encode()).hexdigest()[:16] != row["id"]:
        problems.append(where + "the id is not the digest of " + text)
    path = os.path.join(folder, row["id"] + ".npy")
    if os.path.basename(row["result_file"]) != os.path.basename(path):
        problems.append(where + "result_file is " + row["result_file"])
    with open(path, "rb") as file:
        content = file.read()
    if len(content) != row["bytes"] or hashlib.sha256(content).hexdigest() != row["sha256"]:
        problems.append(where + "size or digest differ from the row's")
    series = np.load(path)
    if series.shape != (row["sweeps"], 2) or series.dtype != np.dtype("<f4") or not series.flags.c_contiguous:
        problems.append(where + f"shape {series.shape}, type {series.dtype}")
    count = row["size"] ** 2
    # Sums over whole spins and bonds: both change by twos and fours from the ordered lattice.
    spins, bonds = np.rint(series.astype(float).T * count)
    if np.abs(spins - series[:, 0] * count).max() > 1e-3 or np.abs(bonds - series[:, 1] * count).max() > 1e-3:
        problems.append(where + "the series is not of whole spins and bonds")
    if ((spins - count) % 2).any() or ((bonds + 2 * count) % 4).any() or bonds.min() < -2 * count:
        problems.append(where + "the series cannot be of a lattice of this size")
    data = json.loads(row["custom_data"])
    for name, value in (("magnetization", np.abs(spins).mean() / count), ("energy", bonds.mean() / count)):
        if abs(value - data["value"][name]) > 1e-6:
            problems.append(where + f"{name} is {value} in the file and {data['value'][name]} in the row")
    if not data["elapsed_seconds"] > 0:
        problems.append(where + "elapsed_seconds is not positive")
    return {
        **{name: row[name] for name in ("id", "temperature", "size", "seed")},
        **data["value"],
        "sha256": row["sha256"],
        "seconds": data["elapsed_seconds"],
    }


connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
connection.row_factory = sqlite3.Row
rows = connection.execute(
    "SELECT o.*, x.sha256, x.size AS bytes FROM ising o"
    " JOIN entropic_runs x ON x.table_name = 'ising' AND x.id = o.id ORDER BY o.temperature, o.size, o.seed"
).fetchall()
count = connection.execute("SELECT count(*) FROM ising").fetchone()[0]
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
