# What stands in folders, seen by another program than ours (lstat, SHA-256 by hashlib). Asked by lab.ts.
# folder-judge.py snapshot DIR → JSON list of [path, kind, inode, size, mtime_ns, content] of everything below DIR and DIR itself
# folder-judge.py digests DIR  → JSON object name → [sha256, size] of the regular files directly in DIR
import hashlib
import json
import os
import stat
import sys


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else hashlib.sha256(file.read()).hexdigest()


def entry(root, path):
    info = os.lstat(path)
    mode = info.st_mode
    if stat.S_ISREG(mode):
        kind, content = "file", sha256(path)
    elif stat.S_ISDIR(mode):
        kind, content = "folder", ""
    elif stat.S_ISLNK(mode):
        kind, content = "link", os.readlink(path)
    elif stat.S_ISFIFO(mode):
        kind, content = "fifo", ""
    else:
        kind, content = "other", ""
    size = info.st_size if kind == "file" else 0
    return [os.path.relpath(path, root), kind, info.st_ino, size, str(info.st_mtime_ns), content]


def snapshot(root):
    found = [entry(root, root)]
    for folder, folders, files in os.walk(root):
        found += [entry(root, os.path.join(folder, name)) for name in folders + files]
    return sorted(found)


def digests(root):
    found = {}
    for item in os.scandir(root):
        if stat.S_ISREG(os.lstat(item.path).st_mode):
            found[item.name] = [sha256(item.path), os.lstat(item.path).st_size]
    return found


command, root = sys.argv[1:]
print(json.dumps(snapshot(root) if command == "snapshot" else digests(root)))
