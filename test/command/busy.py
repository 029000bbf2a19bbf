"""A busy program that does not end when it is asked to, with a child, and one that has left its group. Arguments: the result, folder, n."""
import os
import signal
import sys

result, folder, n = sys.argv[1:]
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(os.path.join(folder, "executions"), "a") as log:
    log.write(n + "\n")
print("computing", n, flush=True)
print("and more", file=sys.stderr, flush=True)


def compute():
    with open(os.path.join(folder, "busy"), "a") as log:
        log.write(f"{os.getpid()}\n")
    while not os.path.exists(os.path.join(folder, "go on")):
        sum(range(10_000))


if int(n) > 0:
    if os.fork() == 0:
        compute()
        os._exit(0)
    if os.fork() == 0:
        os.setsid()
        compute()
        os._exit(0)
    compute()
with open(result, "w") as file:
    file.write(f"the result of {n}")
