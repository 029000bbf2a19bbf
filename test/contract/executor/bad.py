"""A program with one bad end of each kind, chosen by the param `how`. Arguments: the path of the result, how, n, folder."""
import asyncio
import ctypes
import os
import signal
import sys
import time

result, how, n, folder = sys.argv[1:]
with open(os.path.join(folder, "executions"), "a") as log:
    log.write(n + "\n")


def write(path=result, text="whole"):
    with open(path, "w") as file:
        file.write(text)


def grow(step=20_000_000):
    taken = []
    while True:
        taken.append(bytearray(os.urandom(1000)) * (step // 1000))
        time.sleep(0.02)


def child(body):
    """A child that goes on when this program has ended; its pid is told."""
    pid = os.fork()
    if pid == 0:
        with open(os.path.join(folder, "children"), "a") as log:
            log.write(f"{os.getpid()}\n")
        body()
        os._exit(0)
    return pid


def write_late():
    while True:
        with open(result, "a") as file:
            file.write("late")
        time.sleep(0.001)


async def reject():
    await asyncio.sleep(0.01)
    raise RuntimeError("rejected")


if how == "error":
    raise ValueError("after 100 steps")
if how == "reject":
    asyncio.run(reject())
if how == "garbage":
    os.write(1, bytes(range(256)) * 1000)
    os.write(2, bytes(range(255, -1, -1)) * 1000)
    os._exit(200)
if how == "exit-0":
    sys.exit(0)
if how == "exit-7":
    write()
    sys.exit(7)
if how == "empty":
    write(text="")
if how == "folder":
    os.mkdir(result)
if how == "symlink":
    os.symlink("/etc/hostname", result)
if how == "dangling":
    os.symlink("/no/such/file", result)
if how == "elsewhere":
    write("result.dat")
    write(os.path.join("..", "elsewhere.dat"))
if how == "segfault":
    ctypes.string_at(0)
if how == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "endless":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        pass
if how == "heap":
    grow()
if how == "off-heap":
    # Not in its own memory at all, and deaf besides.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child(grow)
    time.sleep(60)
if how in ("forks", "forks-and-fails"):
    open(os.path.join(folder, "children"), "a").close()
    for i in range(3):
        child(lambda: [child(lambda: time.sleep(600)), time.sleep(600)])
    while len(open(os.path.join(folder, "children")).readlines()) < 6:
        time.sleep(0.01)
    if how == "forks":
        write()
    else:
        sys.exit("with children")
if how == "late":
    write()
    child(write_late)
    while os.path.getsize(result) < 100:
        time.sleep(0.001)
if how == "fine":
    time.sleep(0.05)
    write()
