# Runs SQL on SQLite files for databases.ts, with Python's own sqlite3: what the tests see of a file is what another program sees.
# One JSON request a line { path, sql, params } → one JSON answer a line { rows } or { error }.
import json
import sqlite3
import sys

for line in sys.stdin:
    request = json.loads(line)
    try:
        with sqlite3.connect(request["path"], timeout=30) as connection:
            rows = connection.execute(request["sql"], request["params"]).fetchall()
        connection.close()
        answer = {"rows": rows}
    except Exception as error:
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)
