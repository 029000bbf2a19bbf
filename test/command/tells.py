"""Writes down all that a program sees of its run. The last argument is the path of the result."""
import json
import os
import sys

seen = {
    "argv": sys.argv[1:-1],
    "stdin": sys.stdin.read(),
    "env": {name: value for name, value in os.environ.items() if name.startswith("ENTROPIC_") or name in ("FLAVOUR", "HOME")},
    "cwd": os.getcwd(),
    "mode": oct(os.stat(".").st_mode & 0o777),
    "leader": os.getpgid(0) == os.getpid(),
    "files": {name: open(name).read() for name in sorted(os.listdir("."))},
    "result": sys.argv[-1],
}
with open(sys.argv[-1], "w") as file:
    json.dump(seen, file)
