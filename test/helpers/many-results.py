# Fills a results folder, and on SQLite its database, with cached points n = 0 … COUNT - 1 of the table toy, as many runs would have
# left them: a row, an entropic_runs row and a file each. Files are links to a few, which a look-up cannot tell.
# RESULTS may be '-': rows only, for a look-up that does not look at files.
# many-results.py RESULTS COUNT [DATABASE] → prints sha256, size and mtime_ns of every file
import hashlib
import json
import os
import sqlite3
import sys

results, count = sys.argv[1], int(sys.argv[2])
content = b"the result\n"
sha256 = hashlib.sha256(content).hexdigest()
mtime_ns = 1_700_000_000_000_000_000
ids = [hashlib.sha256(b'{"n":%d}' % n).hexdigest()[:16] for n in range(count)]
for n, name in enumerate(ids if results != "-" else []):
    # A file of ext4 has at most 65,000 names.
    if n % 50_000 == 0:
        source = os.path.join(os.path.dirname(results), "source-%d" % n)
        with open(source, "wb") as file:
            file.write(content)
        os.utime(source, ns=(mtime_ns, mtime_ns))
    os.link(source, os.path.join(results, name + ".dat"))
if len(sys.argv) > 3:
    with sqlite3.connect(sys.argv[3]) as connection:
        connection.executemany(
            "INSERT INTO toy (id, result_file, created_at, custom_data, n) VALUES (?, ?, '2024-01-01 00:00:00.000000', '{}', ?)",
            ((name, "results/%s.dat" % name, n) for n, name in enumerate(ids)),
        )
        connection.executemany(
            "INSERT INTO entropic_runs (table_name, id, params_text, sha256, size, mtime_ns, fence, elapsed_s, committed_at)"
            " VALUES ('toy', ?, ?, ?, ?, ?, 1, 0.1, '2024-01-01 00:00:00.000000')",
            ((name, '{"n":%d}' % n, sha256, len(content), mtime_ns) for n, name in enumerate(ids)),
        )
print(json.dumps({"sha256": sha256, "size": len(content), "mtimeNs": str(mtime_ns)}))
