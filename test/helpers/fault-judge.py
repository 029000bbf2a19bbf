"""Another program that says whether a store is whole: its own SQL, its own SHA-256, nothing of entropic's.

One request a line on stdin, one answer a line on stdout. A request: {key, phase: "killed" | "final", results, log, ns, and db (a path) or
rows (what fault-judge-postgres.mjs found)}; see test/faults/trials.ts. The answer lists every breach of I1 to I7 in `problems`.
"""
import hashlib
import json
import os
import re
import shutil
import sqlite3
import sys
import tempfile

SUFFIX = ".dat"
remembered = {}


def id_of(n):
    return hashlib.sha256(json.dumps({"n": n}, separators=(",", ":")).encode()).hexdigest()[:16]


def read_file(path):
    with open(path, "rb") as file:
        data = file.read()
    found = re.match(rb"n=(-?\d+) execution=(\S+)\n", data)
    whole = found is not None and hashlib.sha256(data[:-64]).hexdigest().encode() == data[-64:]
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "mtime_ns": str(os.stat(path).st_mtime_ns),
        "whole": whole,
        "id": id_of(int(found.group(1))) if found else None,
        "execution": found.group(2).decode() if found else None,
    }


def read_database(request):
    if "rows" in request:
        return request["rows"]
    if not os.path.exists(request["db"]):
        return {"rows": [], "runs": [], "leases": [], "check": "ok"}
    if request["phase"] == "final":
        return read_sqlite(request["db"], request.get("table", "results"))
    # A look at the database of a killed process would recover its write-ahead log, which is for the next command to do: a copy.
    with tempfile.TemporaryDirectory() as folder:
        for end in ["", "-wal"]:
            if os.path.exists(request["db"] + end):
                shutil.copy(request["db"] + end, os.path.join(folder, "copy" + end))
        return read_sqlite(os.path.join(folder, "copy"), request.get("table", "results"))


def read_sqlite(path, table):
    db = sqlite3.connect(path, timeout=20)
    try:
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

        def select(sql, needs):
            return [list(row) for row in db.execute(sql)] if needs in names else []

        return {
            "rows": select(f'SELECT id, result_file, n FROM "{table}"', table),
            "runs": select(
                f"SELECT id, sha256, size, CAST(mtime_ns AS TEXT), fence FROM entropic_runs WHERE table_name = '{table}'", "entropic_runs"
            ),
            "leases": select(f"SELECT id, owner FROM entropic_leases WHERE table_name = '{table}'", "entropic_leases"),
            "check": db.execute("PRAGMA quick_check").fetchone()[0],
        }
    finally:
        db.close()


def read_manifests(results):
    """Manifests that nothing has settled: id -> digests."""
    live, settled = [], set()
    tmp = os.path.join(results, ".tmp")
    for owner in sorted(os.listdir(tmp)) if os.path.isdir(tmp) else []:
        for name in sorted(os.listdir(os.path.join(tmp, owner))):
            if not name.startswith("journal-"):
                continue
            with open(os.path.join(tmp, owner, name), encoding="utf8") as file:
                for line in file.read().split("\n"):
                    if hashlib.sha256(line[17:].encode()).hexdigest()[:16] != line[:16]:
                        continue
                    entry = json.loads(line[17:])
                    if "manifest" in entry:
                        live.append(entry["manifest"])
                    else:
                        settled.update((id, fence) for id, fence in entry["done"])
    found = {}
    for manifest in live:
        if (manifest["id"], manifest["fence"]) not in settled:
            found.setdefault(manifest["id"], []).append(manifest["sha256"])
    return found


def count_executions(log):
    counts = {}
    if os.path.exists(log):
        with open(log, encoding="utf8") as file:
            for line in file:
                counts[id_of(int(line.split()[0]))] = counts.get(id_of(int(line.split()[0])), 0) + 1
    return counts


def look(request):
    results = request["results"]
    finals, leftovers, quarantined = {}, [], []
    for name in sorted(os.listdir(results)) if os.path.isdir(results) else []:
        path = os.path.join(results, name)
        if re.fullmatch(rf"[0-9a-f]{{16}}{re.escape(SUFFIX)}", name):
            finals[name[:16]] = read_file(path)
        elif name == ".tmp":
            leftovers += [os.path.join(at, one) for at, folders, files in os.walk(path) for one in folders + files]
        elif name == ".quarantine":
            quarantined = sorted(os.listdir(path))
        elif name == ".entropic":
            leftovers += [os.path.join(path, one) for one in os.listdir(path) if one.endswith(".part")]
        else:
            leftovers.append(path)
    return {
        **read_database(request),
        "finals": finals,
        "leftovers": leftovers,
        "quarantined": quarantined,
        "manifests": read_manifests(results),
        "executions": count_executions(request["log"]),
    }


def file_of(request, result_file):
    """Files that the store made lie in its folder, whatever the column's folder is; a registered one is where it was."""
    name = os.path.basename(result_file)
    return os.path.join(request["results"], name) if re.match(r"[0-9a-f]{16}\.", name) else result_file


def check_always(request, facts, problems):
    """What holds at every moment, also while a process lies dead in the middle of something."""
    if facts["check"] != "ok":
        problems.append(f"the database is damaged: {facts['check']}")
    for id, file in facts["finals"].items():
        if not file["whole"] and id not in request.get("foreign", []):
            problems.append(f"I4: {id} is partial under its final name")
        elif file["whole"] and file["id"] != id:
            problems.append(f"I2: {id} holds the result of {file['id']}")
    ids = [row[0] for row in facts["rows"]]
    runs = {run[0]: run for run in facts["runs"]}
    if len(set(ids)) != len(ids) or len(runs) != len(facts["runs"]):
        problems.append("I1: a point has two rows")
    if set(ids) != set(runs):
        problems.append(f"I1: rows and entropic_runs differ: {sorted(set(ids) ^ set(runs))}")
    for id, _, n in facts["rows"]:
        if id_of(n) != id:
            problems.append(f"I1: row {id} holds n={n}")
    for id, result_file, _ in facts["rows"]:
        if id not in runs:
            continue
        _, sha256, size, mtime_ns, _ = runs[id]
        path = file_of(request, result_file)
        if not os.path.isfile(path):
            if not request.get("mayMissFile"):
                problems.append(f"I2: the file of {id} is missing")
            continue
        file = read_file(path)
        same = file["sha256"] == sha256 and file["size"] == size
        if not same and file["sha256"] not in facts["manifests"].get(id, []):
            problems.append(f"I2: the file of {id} is not the one that its row describes")
        if same and file["mtime_ns"] != mtime_ns:
            problems.append(f"I2: the file of {id} was changed at {file['mtime_ns']}, its row says {mtime_ns}")
    for id in request.get("told", []):
        if id not in runs:
            problems.append(f"I3: {id} was reported as finished and has no row")


def check_between(request, before, facts, problems):
    """A second process was killed, too: it may not have run again what the first had finished."""
    old = {run[0] for run in before["runs"]}
    forced = {id_of(n) for n in request.get("forced", [])}
    for id, count in facts["executions"].items():
        if id in request.get("mayRunAgain", []) or id in forced or (id not in old and not before["manifests"].get(id)):
            continue
        if count > before["executions"].get(id, 0):
            problems.append(f"I5: {id} was finished before and was executed again")


def check_final(request, before, facts, problems):
    """What holds when the same command has run again to its end."""
    runs = {run[0]: run for run in facts["runs"]}
    wanted = {id_of(n) for n in request["ns"]}
    if set(runs) != wanted:
        problems.append(f"I1: rows are {sorted(runs)}, should be {sorted(wanted)}")
    for id, run in runs.items():
        path = file_of(request, next(row[1] for row in facts["rows"] if row[0] == id))
        if os.path.isfile(path) and read_file(path)["sha256"] != run[1]:
            problems.append(f"I2: the file of {id} is not the one that its row describes")
    orphans = set(facts["finals"]) - set(runs)
    if orphans and not request.get("mayOrphan"):
        problems.append(f"I2: files without a row: {sorted(orphans)}")
    if facts["leftovers"]:
        problems.append(f"I7: left behind: {facts['leftovers'][:5]}")
    if facts["leases"]:
        problems.append(f"leases left: {facts['leases'][:3]}")
    # A result whose fsync failed may have had its final name already: it is set aside there when its point has run again.
    aside = request.get("quarantined", 0)
    if not aside <= len(facts["quarantined"]) <= aside + request.get("doubtful", 0):
        problems.append(f"quarantined: {facts['quarantined']}")
    if before is None:
        return
    forced = {id_of(n) for n in request.get("forced", [])}
    old = {run[0]: run for run in before["runs"]}
    for id in wanted | set(facts["executions"]):
        more = facts["executions"].get(id, 0) - before["executions"].get(id, 0)
        sealed = [sha for sha in before["manifests"].get(id, [])]
        if id in forced:
            expected = {1}
        elif request.get("deleted"):
            expected = {0}
        else:
            expected = {0} if id in old or sealed or request.get("registered") else {1}
            if id in runs and id in old and not sealed and runs[id][1] != old[id][1]:
                problems.append(f"I3: the committed result of {id} was replaced")
            if id in runs and sealed and id not in old and runs[id][1] not in sealed:
                problems.append(f"I3: the finished result of {id} was not the one that was kept")
        if more not in expected:
            problems.append(f"I5: {id} was executed {more} times by the second command, should be {sorted(expected)} (row {id in old}, manifest {bool(sealed)})")
    for id in set(old) - set(runs):
        if not request.get("deleted"):
            problems.append(f"I3: the row of {id} is lost")


def answer(request):
    facts = look(request)
    problems = []
    check_always(request, facts, problems)
    if request["phase"] == "killed":
        if request["key"] in remembered:
            check_between(request, remembered[request["key"]], facts, problems)
        remembered[request["key"]] = facts
    else:
        check_final(request, remembered.pop(request["key"], None), facts, problems)
    sealed = {id: len(shas) for id, shas in facts["manifests"].items()}
    return {"problems": problems, "executions": facts["executions"], "rows": len(facts["rows"]), "sealed": sealed}


for line in sys.stdin:
    try:
        reply = answer(json.loads(line))
    except Exception as error:
        reply = {"problems": [f"the judge failed: {type(error).__name__}: {error}"], "executions": {}, "rows": 0, "sealed": {}}
    print(json.dumps(reply), flush=True)
